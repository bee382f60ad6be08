"""The embedded emulator as a process: where it listens, and that it ends with whoever started it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from places import PROJECT

from deployment import packages
from deployment.console import Console
from deployment.emulator import emulator as local
from deployment.emulator.emulator import Emulator
from deployment.errors import EmulatorError, PackageMissing

pytest.importorskip("ministack", reason="the embedded emulator is not installed")

IS_LINUX = sys.platform == "linux"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def is_listening(port: int, host: str = local.HOST) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def processes_in(folder: Path) -> list[int]:
    """Process ids of all that were given this temporary folder: the keeper, the server, the Lambda workers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}\0" in (process / "environ").read_text("utf-8", "replace"):
                found.append(int(process.name))
        except OSError:
            pass  # gone, or not ours to read
    return found


def listening_addresses(process_ids: list[int]) -> set[str]:
    """`address:port` in the kernel's notation of all TCP sockets on which these processes listen."""
    inodes = set()
    for process_id in process_ids:
        for link in Path(f"/proc/{process_id}/fd").iterdir():
            inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {fields[1] for fields in lines if fields[3] == "0A" and fields[9] in inodes}


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_the_emulator_answers_as_an_account_of_its_own(emulator: Emulator) -> None:
    with emulator.active():
        session = boto3.Session()
        assert session.client("sts").get_caller_identity()["Account"] == "000000000000"
        limits = session.client("lambda").get_account_settings()["AccountLimit"]
    assert limits["ConcurrentExecutions"] == 100


def test_it_listens_on_the_loopback_interface_only(emulator: Emulator) -> None:
    if IS_LINUX:
        loopback = f"0100007F:{emulator.port:04X}"
        assert listening_addresses(processes_in(emulator._folder)) == {loopback}
    else:
        outside = socket.gethostbyname(socket.gethostname())
        assert outside.startswith("127.") or not is_listening(emulator.port, outside)


def test_two_emulators_run_side_by_side_and_share_no_token(emulator: Emulator) -> None:
    with Emulator() as second:
        assert second.token != emulator.token and len(second.token) == 43
        assert second.port != emulator.port
        assert is_listening(second.port) and is_listening(emulator.port)


def test_nothing_is_left_after_the_block() -> None:
    with Emulator() as emulator:
        assert is_listening(emulator.port)
        assert emulator._folder.is_dir()
    assert not is_listening(emulator.port)
    assert not emulator._folder.exists()
    assert not IS_LINUX or not processes_in(emulator._folder)


def test_nothing_is_left_after_an_exception_in_the_block() -> None:
    with pytest.raises(KeyboardInterrupt), Emulator() as emulator:
        raise KeyboardInterrupt
    assert not is_listening(emulator.port)
    assert not emulator._folder.exists()


HANDLER = """
import json, os, time
def handler(event, context):
    with open(event["file"], "w") as file:
        json.dump({"pid": os.getpid(), "environ": dict(os.environ)}, file)
    time.sleep(event["seconds"])
"""


def start_lambda(file: Path, seconds: int) -> None:
    """A Lambda that writes its process id and environment to the file, then stays for the given time."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("busy.py", HANDLER)
    client = boto3.Session().client("lambda")
    client.create_function(
        FunctionName="busy",
        Runtime="python3.13",
        Handler="busy.handler",
        Role="arn:aws:iam::000000000000:role/busy",
        Code={"ZipFile": archive.getvalue()},
        Timeout=300,
    )
    payload = json.dumps({"file": str(file), "seconds": seconds})
    client.invoke(FunctionName="busy", InvocationType="Event", Payload=payload)


def test_a_lambda_that_is_busy_ends_with_the_emulator(tmp_path: Path) -> None:
    file = tmp_path / "busy.json"
    with Emulator() as emulator, emulator.active():
        start_lambda(file, seconds=300)
        assert wait_until(lambda: file.exists() and bool(file.read_text()))
        if IS_LINUX:
            assert len(listening_addresses(processes_in(emulator._folder))) == 1, "no door beside the guard's"
    started = json.loads(file.read_text())
    if IS_LINUX:
        assert wait_until(lambda: not Path(f"/proc/{started['pid']}").exists())


def test_a_lambda_finds_the_emulator_and_nothing_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.com")
    file = tmp_path / "environ.json"
    with Emulator() as emulator, emulator.active():
        start_lambda(file, seconds=0)
        assert wait_until(lambda: file.exists() and bool(file.read_text()))
    environ = json.loads(file.read_text())["environ"]
    assert environ["AWS_ENDPOINT_URL"] == emulator.url
    assert environ["AWS_CONFIG_FILE"] == os.devnull
    assert environ["AWS_SESSION_TOKEN"] == emulator.token
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3"} & environ.keys()


@pytest.mark.skipif(not IS_LINUX, reason="looks for the processes in /proc")
def test_it_ends_when_the_process_that_started_it_is_killed() -> None:
    program = (
        "import os, signal\n"
        "from deployment.emulator.emulator import Emulator\n"
        "emulator = Emulator().__enter__()\n"
        "print(emulator.port, emulator._folder, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    starter = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert starter.returncode == -signal.SIGKILL, starter.stderr
    port, folder = starter.stdout.split()
    assert wait_until(lambda: not Path(folder).exists())
    assert not is_listening(int(port))
    assert wait_until(lambda: not processes_in(Path(folder)))


@pytest.mark.skipif(not IS_LINUX, reason="looks for the processes in /proc")
def test_it_ends_when_its_keeper_is_asked_to_end() -> None:
    with Emulator() as emulator:
        assert emulator._keeper is not None
        emulator._keeper.terminate()
        assert wait_until(lambda: not is_listening(emulator.port))
    assert not processes_in(emulator._folder)
    assert not emulator._folder.exists()


def test_one_that_does_not_come_up_is_an_error_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "COMMAND", (sys.executable, "-m", "ministack.absent"))
    with pytest.raises(EmulatorError) as caught, Emulator():
        pass
    assert str(caught.value) == (
        "The embedded emulator ended as soon as it was started. Its last output:\n"
        f"  {sys.executable}: No module named ministack.absent"
    )


def test_one_that_is_too_slow_is_ended_and_reported() -> None:
    emulator = Emulator(timeout_seconds=0)
    with pytest.raises(EmulatorError) as caught, emulator:
        pass
    assert str(caught.value) == ("The embedded emulator did not answer within 0 seconds. It wrote nothing.")
    assert not emulator._folder.exists()


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "PACKAGE", "no-such-package")
    with pytest.raises(PackageMissing) as caught, Emulator():
        pass
    assert str(caught.value) == (
        "The embedded emulator needs the package no-such-package, which is not installed. "
        f"{packages.install_command()}"
    )


def test_an_old_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MIN_VERSION", (99, 0, 0))
    with (
        pytest.raises(EmulatorError, match=r"needs ministack 99\.0\.0 or newer; .* is installed\. Run: "),
        Emulator(),
    ):
        pass


def test_inside_the_block_no_setting_of_the_user_is_in_force_and_afterwards_all_are(
    emulator: Emulator,
) -> None:
    environ = {
        "AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "secret", "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
        "AWS_REGION": "eu-west-1", "NO_PROXY": "intranet", "PATH": "/bin",
    }  # fmt: skip
    before = dict(environ)
    with pytest.raises(RuntimeError), emulator.active(environ):
        inside = dict(environ)
        raise RuntimeError
    assert environ == before
    assert inside == {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_SESSION_TOKEN": emulator.token,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "PATH": "/bin",
    }


@pytest.mark.skipif(not IS_LINUX, reason="sends an interrupt to another process")
def test_serving_prints_the_lines_and_ends_softly_with_an_interrupt() -> None:
    program = "from deployment import console\nfrom deployment.emulator import emulator\nemulator.serve(console.Console())\n"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Shells let what they start in the background ignore interrupts, tests as well.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as server:
        assert server.stdout is not None and server.stderr is not None
        unset, first = server.stdout.readline(), server.stdout.readline()
        progress = "".join(server.stderr.readline() for _ in range(5))
        port = int(first.rpartition(":")[2])
        assert is_listening(port)
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
        output, more_progress = server.stdout.read(), server.stderr.read()
    assert unset.startswith("unset AWS_PROFILE ")
    assert first.startswith("export AWS_ENDPOINT_URL=http://127.0.0.1:")
    assert "\nexport AWS_ACCESS_KEY_ID=000000000000\n" in output
    assert progress == (
        "Starting the embedded emulator\n"
        "\n"
        "Paste these lines into another terminal: `fab` there deploys to the emulator.\n"
        "Whoever has them can run programs as you: give them to nobody.\n"
        "It runs until Ctrl-C; then everything in it is gone.\n"
    )
    assert more_progress.endswith("\nThe emulator has ended.\n")
    assert not is_listening(port)


def test_serving_says_when_the_emulator_has_ended_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(emulator: Emulator) -> None:
        """As if the server had crashed while it was waited for."""

    monkeypatch.setattr(Emulator, "wait", end)
    shown = Console(io.StringIO(), io.StringIO(), io.StringIO(), environ={})
    with pytest.raises(EmulatorError, match=r"has ended by itself\. Start it again: fab local"):
        local.serve(shown)
