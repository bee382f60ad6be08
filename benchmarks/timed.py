"""Runs one command and writes what it took: `python -I -S timed.py RESULT_FILE PROCESSOR COMMAND...`.

PROCESSOR is the number of the one that it may use, or empty.

A process of its own, because the kernel's largest memory of a child begins with what its parent had when it was started: this
parent has next to nothing. The command's output goes where this one's goes.
"""

from __future__ import annotations

import json
import os
import sys
import time

KIB = 1 if sys.platform == "darwin" else 1024
"""getrusage tells kilobytes on Linux, bytes on macOS."""


def main(result_file: str, processor: str, command: list[str]) -> None:
    """Run the command; the result holds seconds and bytes, of the command and of the children that it has waited for."""
    if processor:
        os.sched_setaffinity(0, {int(processor)})
    began = time.monotonic()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    result = {
        "wall_seconds": time.monotonic() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * KIB,
        "status": os.waitstatus_to_exitcode(status),
    }
    with open(result_file, "w") as file:  # noqa: PTH123 - pathlib would be most of this process's memory
        json.dump(result, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
