"""The `fab` of SyncBuckets: Fabric's, which reads the command line as the project says in whose folder it is called.

Fabric answers `fab -h`, `fab --version` and a folder without a fabfile before it loads any fabfile, so no fabfile can. What
else is special about the command line is in the project (`deployment/command_line`), and is the same with Fabric's own script.
"""

from __future__ import annotations

import sys
from pathlib import Path

__version__ = "1.0.0"

FABFILE = "fabfile.py"
PROGRAM = Path("deployment", "command_line", "program.py")
ELSEWHERE = ("-r", "--search-root", "-c", "--collection")


def main() -> None:
    """Run `fab`: of the project around this folder, or Fabric's own for a fabfile that is not ours."""
    from fabric.main import program

    project = find_project(Path.cwd())
    if project is None and not any(word.startswith(ELSEWHERE) for word in sys.argv[1:]):
        sys.stderr.write(no_fabfile(Path.cwd()))
        sys.exit(2)
    if project is not None and (project / PROGRAM).is_file():
        sys.path.insert(0, str(project))
        from deployment.command_line.program import run

        run(program)
    else:
        program.run()


def find_project(folder: Path) -> Path | None:
    """Return the nearest folder with a fabfile, this one or one above it, as Fabric looks for it."""
    return next((one for one in (folder, *folder.parents) if (one / FABFILE).is_file()), None)


def no_fabfile(folder: Path) -> str:
    """Return what to say where there is none."""
    return f"Error: there is no {FABFILE} in {folder}, nor in a folder above it. Run fab in the folder of SyncBuckets.\n"
