"""The steps behind `fab`, in rooms; each room uses only those above it.

    errors, text, streams, console   what can go wrong, wording, what a person sees
    packages                what only one task needs and may not be installed
    project                 what this folder says: settings, front matter, state machines
    build                   what AWS gets: zips, template, policies, definitions
    aws                     the account, and the installation of SyncBuckets in it
    cloudformation          the stack and the deployment bucket
    step_functions          state machines and their executions
    checks                  all that `fab check` says, offline
    command_line            what may be typed behind `fab`; alone it knows Invoke, whose program reads as it says
    plan                    what `fab` would do
    tasks                   `stack/` for what is deployed, `runs/` for executions; `plan` is in `deploy`, and `documents` prints
                            for `fab template` and `fab definition`
    emulator                `fab local`, `fab demo`

A deployment goes project -> build -> cloudformation -> step_functions: the first two make no AWS call, a plan is the reading half
of the others. `fabfile.py` calls these modules, they never call back. The Lambdas are known as files
only.
docs/architecture.md has a paragraph for each room, the modules' docstrings tell the rest.
"""

import atexit
import gc
import sys

VERSION = "1.0.0"

# An older Python gets this far, and stumbles over the first module with newer syntax: this file has none.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(
        "Error: SyncBuckets needs Python 3.11 or newer, and this is Python {}.{}. Make a virtual environment with a newer one: "
        "python3.11 -m venv .venv && .venv/bin/pip install -r requirements.txt\n".format(
            *sys.version_info[:2]
        )
    )
    sys.exit(2)


def allow_bytecode() -> None:
    """Write bytecode unless the user said otherwise: the `fab` program forbids it, for fabfiles, before it loads ours.

    Compiling these modules anew, and the packages of an installation without bytecode, takes longer than a call to AWS.
    """
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)


allow_bytecode()

# A collection walks over everything imported so far, and imports and AWS's models make Python collect again and again.
gc.freeze()
gc.set_threshold(50_000, 20, 100)

# At the end of the process Python would do it twice more, for memory that goes back with the process anyway.
atexit.register(gc.freeze)
