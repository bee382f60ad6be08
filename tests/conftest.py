"""What every test gets: false credentials, one region, and no network but this machine's own."""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Set before anything imports boto3: no test may ever meet a developer's account.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="eu-west-1",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    WORK_BUCKET="work-bucket",
    DEPLOYMENT_BUCKET="deployment-bucket",
)
for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
    os.environ.pop(name, None)

TESTS = Path(__file__).resolve().parent
for folder in (
    TESTS.parent,
    TESTS,
    TESTS / "functional",
    TESTS / "permissions",
    TESTS / "property",
    TESTS / "interleavings",
    TESTS / "end_to_end",
    TESTS / "seaweedfs",
    TESTS / "faults",
):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--faults` say which scenarios of the fault suite are played; `write` plays all and writes what they came to."""
    parser.addoption("--faults", choices=("sample", "deployed", "all", "write"), default="sample")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Let `-n auto` start a worker more than there are processors: the one with the end-to-end tests mostly waits for others."""
    if config.option.numprocesses != "auto" or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    has_affinity = hasattr(os, "sched_getaffinity")
    return 1 + (len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let a worker that has nothing left take over tests of another, unless `--dist` says something else.

    Tests are dealt out in their order, so the first worker alone has the end-to-end tests, with one emulator for all of them,
    and what stands after them is for whoever is done first.
    """
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.option.dist == "load" else None


@pytest.fixture(scope="session", autouse=True)
def rarely_collected() -> Iterator[None]:
    """Look for garbage less often: moto and AWS's models are a million lasting objects, and looking took a third of the time."""
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    yield
    gc.set_threshold(*before)


@pytest.fixture(autouse=True)
def nothing_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no worker write a heartbeat or ask for a stop again because this machine is slow; tests of both say when it is due."""
    from lambda_functions.shared.work_bucket import heartbeat, stopping

    monkeypatch.setattr(heartbeat, "FIRST_SECONDS", threading.TIMEOUT_MAX)
    monkeypatch.setattr(stopping, "FIRST_SECONDS", threading.TIMEOUT_MAX)


@pytest.fixture(autouse=True)
def no_network_but_loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        is_local = self.family == socket.AF_UNIX or str(address[0]) in ("127.0.0.1", "::1", "localhost")
        if not is_local:
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield
