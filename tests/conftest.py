"""What every test gets: false credentials, one region, and no network but this machine's own."""

from __future__ import annotations

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
    TESTS / "end_to_end",
):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture(autouse=True)
def no_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no worker write a heartbeat because this machine is slow; the tests about them say when they are due."""
    from lambda_functions.shared.work_bucket import heartbeat

    monkeypatch.setattr(heartbeat, "FIRST_SECONDS", threading.TIMEOUT_MAX)


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
