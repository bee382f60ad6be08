"""What a web page, another user of the machine or a rebound DNS name can send to a running emulator: nothing comes of it."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import json
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path

import pytest

from benchmarks.deployed import emulator_client
from deployment.emulator.emulator import Emulator

CURL = shutil.which("curl")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FUNCTIONS = "/2015-03-31/functions"
WORDS = "AccessDenied"


def malicious_function() -> bytes:
    """CreateFunction's body with code that would run as whoever started the emulator."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("evil.py", "def handler(event, context): return 'ran'\n")
    return json.dumps(
        {
            "FunctionName": "evil",
            "Runtime": "python3.13",
            "Handler": "evil.handler",
            "Role": "arn:aws:iam::000000000000:role/evil",
            "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
        }
    ).encode()


def functions(emulator: Emulator) -> list[str]:
    client = emulator_client("lambda", emulator.environment)
    return [found["FunctionName"] for found in client.list_functions()["Functions"]]


def send(
    emulator: Emulator,
    headers: Mapping[str, str],
    method: str = "POST",
    path: str = FUNCTIONS,
    body: bytes | None = None,
) -> tuple[int, dict[str, str], str]:
    """Send one request as it stands; return status, headers in lower case, and body."""
    with contextlib.closing(HTTPConnection("127.0.0.1", emulator.port, timeout=30)) as connection:
        connection.request(method, path, body if body is not None else malicious_function(), dict(headers))
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, names, answer.read().decode()


def token(emulator: Emulator) -> dict[str, str]:
    return {"X-Amz-Security-Token": emulator.environment["AWS_SESSION_TOKEN"]}


PAGE = {"Origin": "https://evil.example", "Content-Type": "text/plain"}


@pytest.mark.parametrize(
    ("headers", "knows_token"),
    [
        (PAGE, False),
        (PAGE, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, True),
        ({"Host": "evil.example"}, True),
        ({"Host": "evil.example:80"}, False),
        ({"Host": "127.0.0.1"}, True),
        ({}, False),
        ({"X-Amz-Security-Token": ""}, False),
        ({"X-Amz-Security-Token": "guessed"}, False),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/lambda/aws4_request"}, False),
    ],
)  # fmt: skip
def test_a_request_that_no_client_of_ours_sends_creates_nothing(
    emulator: Emulator, headers: dict[str, str], knows_token: bool
) -> None:
    before = functions(emulator)
    status, answered, body = send(emulator, {**headers, **(token(emulator) if knows_token else {})})
    assert status == 403 and WORDS in body
    assert not [name for name in answered if name.startswith("access-control-")]
    assert functions(emulator) == before
