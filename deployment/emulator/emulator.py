"""The embedded emulator: MiniStack on this machine, for `fab demo`, `fab local` and the end-to-end tests.

Not a copy of AWS, and no code elsewhere knows of it: whoever wants to work against it sets the environment
(`Emulator.active`), and the clients of boto3 then talk to `AWS_ENDPOINT_URL`. It listens on the loopback interface
only, answers only to those who know the session token of its start (`guard`), keeps nothing after it has ended, and ends
with whoever started it, however that one ends.
"""

from __future__ import annotations

import http.client
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import final

from deployment import packages
from deployment.console import Console
from deployment.emulator import guard, shell
from deployment.emulator import keeper as keeper_script
from deployment.errors import EmulatorError

HOST = "127.0.0.1"
PACKAGE = "ministack"
MIN_VERSION = (1, 5, 33)
COMMAND = (sys.executable, "-P", guard.__file__)
"""Without -P this folder's files would be importable under names that packages may have."""
ACCOUNT_ID = "000000000000"
TOKEN_BYTES = 32
START_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05
STOP_TIMEOUT_SECONDS = 15.0
LAST_LINES = 20
ATTEMPTS = 3
"""Between asking for a free port and using it, another process may take it."""

_PASSED_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
)


@final
class Emulator:
    """A context manager; inside the block the emulator answers at `url`, afterwards nothing of it is left.

    `lambda_concurrency` is what the emulated account reports as its limit, a Python process each; keep it above the
    64 children that a Distributed Map runs at once here, whatever its own limit. Raises EmulatorError, with the
    emulator's last words, if it does not answer within `timeout_seconds`.
    """

    def __init__(
        self,
        console: Console | None = None,
        region: str = "us-east-1",
        lambda_concurrency: int = 100,
        timeout_seconds: float = START_TIMEOUT_SECONDS,
    ) -> None:
        self.region = region
        self.port = 0
        self.token = ""
        self._console = console
        self._lambda_concurrency = lambda_concurrency
        self._timeout_seconds = timeout_seconds
        self._keeper: subprocess.Popen[bytes] | None = None
        self._folder = Path()

    @property
    def url(self) -> str:
        """The endpoint of all services."""
        return f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send boto3, the AWS CLI and `fab` to the emulator; one holds the token, a secret."""
        return shell.client_variables(self.url, HOST, self.region, credentials(self.token))

    @contextmanager
    def active(self, environ: dict[str, str] | os._Environ[str] = os.environ) -> Iterator[None]:
        """Send this process to the emulator, and nowhere else: no profile, token or other endpoint stays in force."""
        before = dict(environ)
        try:
            for name in [name for name in before if name.upper().startswith("AWS_")]:
                del environ[name]
            environ.update(self.environment)
            yield
        finally:
            for name in environ.keys() - before.keys():
                del environ[name]
            environ.update(before)

    def __enter__(self) -> Emulator:
        _require_package()
        with self._console.progress("Starting the embedded emulator") if self._console else nullcontext():
            for _ in range(ATTEMPTS - 1):
                with suppress(_PortTakenError):
                    self._start()
                    return self
            self._start()
            return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def wait(self) -> None:
        """Return when the emulator has ended by itself; for `serve`, which is ended by Ctrl-C."""
        if self._keeper is not None:
            self._keeper.wait()

    def _start(self) -> None:
        self.port = _free_port()
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self._folder = Path(tempfile.mkdtemp(prefix="sync-buckets-emulator-")).resolve()
        command = [sys.executable, keeper_script.__file__, str(self._folder), *COMMAND]
        # Ctrl-C belongs to this process alone: it unwinds, and the keeper sees its pipe end.
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        self._keeper = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_server_environment(self),
            start_new_session=True,
            creationflags=flags,
        )
        try:
            self._wait_until_up(self._keeper)
        except BaseException:
            self._stop()
            raise

    def _wait_until_up(self, keeper: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._timeout_seconds
        while not _answers(self.port, self.token, self._folder.name):
            if keeper.poll() is not None:
                words = self._last_words()
                kind = _PortTakenError if "already in use" in words else EmulatorError
                raise kind(f"The embedded emulator ended as soon as it was started. {words}")
            if time.monotonic() >= deadline:
                late = f"The embedded emulator did not answer within {self._timeout_seconds:g} seconds."
                raise EmulatorError(f"{late} {self._last_words()}")
            time.sleep(POLL_SECONDS)

    def _stop(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        assert keeper.stdin is not None
        keeper.stdin.close()
        try:
            keeper.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            keeper.terminate()
            raise EmulatorError(f"The embedded emulator (process {keeper.pid}) does not end.") from None
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _last_words(self) -> str:
        text = ""
        with suppress(OSError):
            text = (self._folder / keeper_script.LOG_FILE).read_text("utf-8", "replace")
        lines = text.splitlines()[-LAST_LINES:]
        return "\n  ".join(["Its last output:", *lines]) if lines else "It wrote nothing."


def serve(console: Console) -> None:
    """Run the emulator until Ctrl-C, and print how another terminal gets to work with it."""
    try:
        with Emulator(console) as emulator:
            console.result(shell.exports(emulator.environment))
            console.step("\nPaste these lines into another terminal: `fab` there deploys to the emulator.")
            console.step("Whoever has them can run programs as you: give them to nobody.")
            console.step("It runs until Ctrl-C; then everything in it is gone.")
            emulator.wait()
    except KeyboardInterrupt:
        console.step("\nThe emulator has ended.")
        return
    raise EmulatorError("The embedded emulator has ended by itself. Start it again: fab local")


def credentials(token: str) -> dict[str, str]:
    """Return the variables with which clients sign and the emulator, with the same, checks what is presigned."""
    return {
        "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_SESSION_TOKEN": token,
    }


class _PortTakenError(EmulatorError):
    """Another process has taken the port that was free a moment ago."""


def _require_package() -> None:
    version = packages.require(PACKAGE, "The embedded emulator")
    if tuple(int(part) for part in version.split(".")[:3] if part.isdigit()) < MIN_VERSION:
        least = ".".join(map(str, MIN_VERSION))
        raise EmulatorError(
            f"The embedded emulator needs {PACKAGE} {least} or newer; {version} is installed. "
            f"{packages.install_command()}"
        )


def _server_environment(emulator: Emulator) -> dict[str, str]:
    """The emulator's own environment: little of the user's, so that no setting of theirs reaches it or its Lambdas."""
    folder = emulator._folder
    return {
        **{name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ},
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)),
        **credentials(emulator.token),  # for the guard, and handed on to the Lambdas
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(emulator.port),
        "MINISTACK_EDITION": folder.name,  # comes back in its answer to a health request
        "MINISTACK_REGION": emulator.region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        # Its other listeners, which would open ports on all interfaces.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It removes containers that it takes for its own: a socket that does not exist keeps it away from Docker.
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(emulator._lambda_concurrency),
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        # A tenth of each wait before a retry: what cannot be throttled need not be waited for.
        "SFN_WAIT_SCALE": "0.1",
        "LOG_LEVEL": "WARNING",
        "PYTHONUTF8": "1",
        # What the Lambdas find: the emulator, and no file of the user's.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, token: str, name: str) -> bool:
    """Whether the emulator of this name is up; the port alone could be another process's.

    Such a process would learn the token of a start that then fails, because its port is taken; the next has another.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=5)  # http.client knows no proxies
    try:
        connection.request("GET", "/_ministack/health", headers={guard.TOKEN_NAME.decode(): token})
        return name in connection.getresponse().read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
