"""The processes that a benchmark starts: commands that are measured, and servers that end with the block they serve."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
LONGEST_SECONDS = 1800
STOP_SECONDS = 10
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")


class CommandFailed(Exception):
    """A measured command did not do its work, so that its figures say nothing."""


@dataclass(frozen=True)
class Measured:
    """What a command took, and what it wrote; memory and processor time are its own, its children's included."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def environment(endpoint: str, token: str = "none") -> dict[str, str]:
    """Return what a peer finds: this endpoint, the session token that it may ask for, and no settings of the user's."""
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PYTHONPATH": str(PROJECT),
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_SESSION_TOKEN": token,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }


def measure(command: Sequence[str], variables: Mapping[str, str], processor: int | None = None) -> Measured:
    """Run a command to its end in an empty home, on one processor if that is given.

    Raises CommandFailed with its last words if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        timed = [
            *(sys.executable, "-I", "-S", str(Path(__file__).with_name("timed.py")), str(folder / "result")),
            "" if processor is None else str(processor),
        ]
        with (folder / "output").open("wb") as output:
            subprocess.run(
                [*timed, *command],
                env={**variables, "HOME": name, "TMPDIR": name},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=LONGEST_SECONDS,
                check=True,
                cwd=name,
            )
        result = json.loads((folder / "result").read_text())
        text = (folder / "output").read_text("utf-8", "replace")
    if result.pop("status"):
        raise CommandFailed(f"{' '.join(command)} failed:\n{text[-2000:]}")
    return Measured(**result, output=text)


def two_processors() -> tuple[int, int] | tuple[None, None]:
    """Return one for what is measured and one for the server that it talks to; none where this machine cannot tell them apart."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


@dataclass(frozen=True)
class Server:
    """A server of ours in a process of its own."""

    url: str

    def told(self, path: str = "/-/counts") -> Any:
        """Return what it tells about itself."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)


@contextlib.contextmanager
def server(module: str, *arguments: str, processor: int | None = None) -> Iterator[Server]:
    """Run `python -m module` for as long as the block; its first line is its port, and it ends with its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        text=True,
    )
    if processor is not None:
        os.sched_setaffinity(process.pid, {processor})
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
