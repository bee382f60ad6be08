"""What becomes of the flags that Invoke and Fabric themselves have, and take before and behind any task.

They are made for shell commands on other machines, and SyncBuckets runs none. What somebody may rely on and nobody honours is
refused: a run with `--dry` must never delete. Every flag has its verdict here, and a test fails for one that has none.
https://docs.pyinvoke.org/en/stable/invoke.html, https://docs.fabfile.org/en/stable/cli.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Meaning(Enum):
    """What a flag does here."""

    DRY_RUN = "the same as --dry-run, where a task has that"
    ANSWER = "something is shown, and no task is run"
    PASSED_ON = "what Invoke says it does"
    BEFORE_TASKS = "what Invoke says it does, but only before the first task"
    REFUSED = "nothing that it promises"


@dataclass(frozen=True)
class Verdict:
    """What becomes of a flag; `instead` says what it is for and what to do, where it is refused."""

    meaning: Meaning
    instead: str = ""


_ANSWER = Verdict(Meaning.ANSWER)
_PASSED_ON = Verdict(Meaning.PASSED_ON)
_BEFORE_TASKS = Verdict(Meaning.BEFORE_TASKS)
_NO_SSH = "it is for logging in to other machines, and SyncBuckets logs in to none. AWS credentials come from AWS_PROFILE."
_NO_SHELL = "it is for shell commands, and SyncBuckets runs none."

VERDICTS: Mapping[str, Verdict] = {
    "dry": Verdict(Meaning.DRY_RUN),
    "help": _ANSWER,
    "version": _ANSWER,
    "list": _ANSWER,
    "complete": _ANSWER,
    "list-depth": _PASSED_ON,
    "list-format": _PASSED_ON,
    "no-dedupe": _PASSED_ON,
    "debug": _BEFORE_TASKS,
    "write-pyc": _BEFORE_TASKS,
    "collection": _BEFORE_TASKS,
    "search-root": _BEFORE_TASKS,
    "print-completion-script": _BEFORE_TASKS,
    "list-agent-keys": Verdict(Meaning.REFUSED, _NO_SSH),
    "config": Verdict(
        Meaning.REFUSED,
        "it names a configuration of Fabric. The settings of SyncBuckets are in fabfile_config.py.",
    ),
    "command-timeout": Verdict(
        Meaning.REFUSED, f"{_NO_SHELL} How long a Lambda may take is in the block at the top of its file."
    ),
    "echo": Verdict(Meaning.REFUSED, _NO_SHELL),
    "hide": Verdict(
        Meaning.REFUSED, f"{_NO_SHELL} Results are on stdout and progress is on stderr: 2>/dev/null hides it."
    ),
    "pty": Verdict(Meaning.REFUSED, _NO_SHELL),
    "warn-only": Verdict(Meaning.REFUSED, f"{_NO_SHELL} What fails ends with its exit status."),
    "prompt-for-sudo-password": Verdict(Meaning.REFUSED, _NO_SHELL),
    "hosts": Verdict(Meaning.REFUSED, _NO_SSH),
    "identity": Verdict(Meaning.REFUSED, _NO_SSH),
    "prompt-for-login-password": Verdict(Meaning.REFUSED, _NO_SSH),
    "prompt-for-passphrase": Verdict(Meaning.REFUSED, _NO_SSH),
    "ssh-config": Verdict(Meaning.REFUSED, _NO_SSH),
    "connect-timeout": Verdict(Meaning.REFUSED, _NO_SSH),
}
"""Of the long name of a flag. One that a newer Invoke or Fabric adds is refused until it has a line here."""

UNKNOWN = Verdict(Meaning.REFUSED, "it is a flag of Fabric that SyncBuckets knows nothing about.")
