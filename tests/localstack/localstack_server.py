"""LocalStack's S3 on this machine, for as long as a block, without Docker: installed from PyPI into an environment of its own.

It listens on the loopback interface only, and `loopback_only/sitecustomize.py` refuses and writes down whatever would leave that.
It keeps nothing, and ends with the block.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
# The extra has all that S3 needs; Lambda, Step Functions and what else wants Docker, Java or Node is in `runtime`.
# Besides what it says, it wants a private module that cbor2 6 has no longer (without it, it finds "no component plugins"), a
# function for its certificate that pyOpenSSL 26 has no longer, and what its own Twisted wants by now.
REQUIREMENTS = ("localstack-core[base-runtime]==2026.3.0", "cbor2<6", "pyopenssl<26", "service-identity")
# It would write objects into one folder of /tmp for all servers there are, and leave them; so that is one of its own folder.
START = """
import os
from localstack.services.s3 import provider
provider.DEFAULT_S3_TMP_DIR = os.path.abspath("objects")
from localstack.runtime.main import main
main()
"""
START_SECONDS = 120.0
POLL_SECONDS = 0.1
LAST_LINES = 20
# What it would do besides being an S3: other services, word to its makers, a certificate from the net, a name server on port 53.
QUIET = {
    "SERVICES": "s3",
    "EAGER_SERVICE_LOADING": "0",
    "DISABLE_EVENTS": "1",
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "SKIP_INFRA_DOWNLOADS": "1",
    "DNS_ADDRESS": "0",
}


class DidNotStart(Exception):
    """LocalStack cannot be installed, ended, or did not answer in time; its last words say why."""


@dataclass(frozen=True)
class Server:
    """Where S3 answers, and the file of what it tried to send elsewhere."""

    url: str
    leaving: Path

    def left(self) -> list[str]:
        """Return each place outside that it tried to reach, or to be reached from, once."""
        lines = self.leaving.read_text(encoding="utf-8").splitlines() if self.leaving.exists() else []
        return list(dict.fromkeys(lines))


def wanted() -> str:
    """Return what an environment has to have, a line each."""
    return "\n".join(REQUIREMENTS)


def install(environment: Path, python: Path) -> Path:
    """Return the Python of an environment that has LocalStack; one that has this very version is used again."""
    program, installed = environment / "bin/python", environment / "installed.txt"
    if installed.exists() and installed.read_text(encoding="utf-8") == wanted():
        return program
    subprocess.run([str(python), "-m", "venv", "--clear", str(environment)], check=True)
    pip = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        raise DidNotStart(_last(done.stderr))
    installed.write_text(wanted(), encoding="utf-8")
    return program


@contextlib.contextmanager
def running(command: Sequence[str]) -> Iterator[Server]:
    """Yield the S3 of a server that this command starts; everybody is let in, whatever the credentials. Raises DidNotStart."""
    with tempfile.TemporaryDirectory(prefix="localstack-") as name:
        folder, port = Path(name), _free_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=surroundings(folder, port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            if not _answers(process, port):
                raise DidNotStart(_last((folder / "log").read_text("utf-8", "replace")))
            yield Server(f"http://{HOST}:{port}", folder / "leaving")
        finally:
            process.kill()
            process.wait()


def surroundings(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of the server: nothing of whoever starts it but PATH."""
    return {
        **QUIET,
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "FILESYSTEM_ROOT": str(folder / "files"),
        "GATEWAY_LISTEN": f"{HOST}:{port}",
        "LOCALSTACK_HOST": f"localhost:{port}",
        "PYTHONPATH": str(HERE / "loopback_only"),
        "LEAVING_LOG": str(folder / "leaving"),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether it is ready before the time is over or the process ends."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://{HOST}:{port}/_localstack/health", timeout=START_SECONDS).close()
            return True
        time.sleep(POLL_SECONDS)
    return False


def _last(said: str) -> str:
    return "\n".join(said.strip().splitlines()[-LAST_LINES:])
