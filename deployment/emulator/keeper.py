"""Runs a command for exactly as long as the process that started this one lives: the emulator's guardian.

Not to be imported: `emulator.Emulator` starts it as a script (`python keeper.py FOLDER COMMAND...`) and holds the
other end of its standard input. That pipe ends when the starter closes it and also when the starter is killed, on
every operating system; then the command goes with all processes it has started, and the folder with its files.

It ends early, with the command's exit status, if the command ends by itself; the folder is then left to be read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

LOG_FILE = "emulator.log"
GRACE_SECONDS = 2.0
"""Between the request to end and the end."""


def main(folder: Path, command: list[str]) -> None:
    """Run the command, its output in `LOG_FILE` inside the folder, until standard input ends."""
    signal.signal(signal.SIGTERM, _leave)
    with (folder / LOG_FILE).open("wb") as log:
        # A session of its own (on Windows a process tree) is what lets the workers be found and ended as well.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    threading.Thread(target=_leave_with, args=[process], daemon=True).start()
    try:
        while os.read(sys.stdin.fileno(), 1024):
            pass
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _leave_with(process: subprocess.Popen[bytes]) -> None:
    status = process.wait()
    if not _ending.is_set():
        _end(process)
        os._exit(status or 1)


_ending = threading.Event()


def _end(process: subprocess.Popen[bytes]) -> None:
    _ending.set()
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        return
    _signal_all(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    _signal_all(process, signal.SIGKILL)
    process.wait()


def _signal_all(process: subprocess.Popen[bytes], number: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(process.pid, number)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
