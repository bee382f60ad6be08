"""What web pages, other users of the machine and rebound names of hosts can send to a running emulator: nothing comes of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attacking import FUNCTIONS, functions, malicious_function
from botocore.config import Config
from botocore.exceptions import ClientError
from deployed_project import emulator_client

from deployment.emulator.emulator import Emulator

pytest.importorskip("ministack", reason="the embedded emulator is not installed")

CURL = shutil.which("curl")
needs_curl = pytest.mark.skipif(CURL is None, reason="curl is not installed")
PAGE = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
TOKEN = "X-Amz-Security-Token"


def send(
    emulator: Emulator, method: str, path: str, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], str]:
    """Send one request as it stands; return status, headers in lower case, and body."""
    body = malicious_function() if method == "POST" else None
    with contextlib.closing(HTTPConnection("127.0.0.1", emulator.port, timeout=30)) as connection:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, names, answer.read().decode()


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
        ({TOKEN: ""}, False),
        ({TOKEN: "guessed"}, False),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/lambda/aws4_request"}, False),
    ],
)  # fmt: skip
def test_a_request_that_no_client_of_ours_sends_creates_nothing(
    emulator: Emulator, headers: dict[str, str], knows_token: bool
) -> None:
    known = {TOKEN: emulator.token} if knows_token else {}
    status, answered, body = send(emulator, "POST", FUNCTIONS, {**headers, **known})
    assert status == 403 and "AccessDenied" in body
    assert not [name for name in answered if name.startswith("access-control-")]
    assert emulator.token not in body
    assert "evil" not in functions(emulator)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", FUNCTIONS),
        ("OPTIONS", "/bucket/key"),
        ("GET", "/"),
        ("HEAD", "/bucket"),
        ("GET", "/_ministack/health"),
        ("GET", "/_ministack/ready"),
        ("GET", "/_localstack/health"),
        ("GET", "/health"),
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("POST", "/_ministack/rds/iam-auth"),
        ("GET", "/_aws/execute-api/id/stage/"),
        ("GET", "//127.0.0.1/_ministack/health"),
    ],
)
def test_no_address_is_left_open_not_even_for_questions_about_health(
    emulator: Emulator, method: str, path: str
) -> None:
    headers = {"Access-Control-Request-Method": "POST"} if method == "OPTIONS" else {}
    status, answered, _ = send(emulator, method, path, headers)
    assert status == 403
    assert not [name for name in answered if name.startswith("access-control-")]


def test_an_answer_to_a_client_with_the_token_invites_no_page_either(emulator: Emulator) -> None:
    status, answered, _ = send(emulator, "GET", "/_ministack/health", {TOKEN: emulator.token})
    assert status == 200
    assert not [name for name in answered if name.startswith("access-control-")]


def say(emulator: Emulator, request: str) -> str:
    """Send these bytes; return the answer up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")


@pytest.mark.parametrize(
    "request_lines",
    [
        "GET / HTTP/1.1\n{token}\nConnection: close\n\n",
        "GET / HTTP/1.0\n{token}\n\n",
        "GET / HTTP/1.1\nHost: {host}\nHost: evil.example\n{token}\nConnection: close\n\n",
        "GET http://evil.example/ HTTP/1.1\nHost: evil.example\n{token}\nConnection: close\n\n",
        "GET / HTTP/1.1\nHost: {host}\nhost: {host}\n{token}\nConnection: close\n\n",
        "GET / HTTP/1.1\nHost: {host}\n{token}\nOrigin:\nConnection: close\n\n",
        "GET / HTTP/1.1\nHost: {host}\n{token}\n{token}\nConnection: close\n\n",
        "GET / HTTP/1.1\nHost: {host}\nConnection: Upgrade, close\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n{token}\n\n",
    ],
)
def test_a_crooked_request_is_refused_even_with_the_token(emulator: Emulator, request_lines: str) -> None:
    host = urlsplit(emulator.url).netloc
    answer = say(emulator, request_lines.format(host=host, token=f"{TOKEN}: {emulator.token}"))
    assert answer.split(" ")[1][:3] in ("400", "403"), answer


def curl(emulator: Emulator, *words: str) -> str:
    """Run curl against the emulator; return the status and what was answered."""
    assert CURL is not None
    command = [CURL, "-q", "-sS", "--noproxy", "*", "--max-time", "30", "-w", "\n%{http_code}", *words]
    done = subprocess.run(command, input=malicious_function(), capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    print(f"curl {' '.join(words)}\n  -> {status} {body[:200]}".replace(emulator.token, "TOKEN"))
    return f"{status} {body}"


@needs_curl
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-H", "Origin: https://evil.example", "-H", "Content-Type: text/plain"], "comes from a web page"),
        (["-H", "Sec-Fetch-Site: cross-site", "-H", "{token}"], "comes from a web page"),
        (["-H", "Host: evil.example", "-H", "{token}"], "names another host"),
        (["-H", "Host: bucket.localhost:1", "-H", "{token}"], "names another host"),
        ([], "does not have the session token"),
        (["--user", "000000000000:emulator", "--aws-sigv4", "aws:amz:us-east-1:lambda"], "does not have the session"),
        (["--http2-prior-knowledge", "-H", "Host: evil.example", "-H", "{token}"], "names another host"),
        (["--http2-prior-knowledge"], "does not have the session token"),
        (["--http2", "-H", "Origin: https://evil.example"], "comes from a web page"),
    ],
)  # fmt: skip
def test_curl_is_refused_and_told_why(emulator: Emulator, words: list[str], why: str) -> None:
    filled = [word.format(token=f"{TOKEN}: {emulator.token}") for word in words]
    answer = curl(emulator, "--data-binary", "@-", *filled, emulator.url + FUNCTIONS)
    assert answer.startswith("403 ") and why in answer
    assert "evil" not in functions(emulator)


@needs_curl
def test_curl_with_the_token_is_answered(emulator: Emulator) -> None:
    token = f"{TOKEN}: {emulator.token}"
    assert curl(emulator, "-H", token, f"{emulator.url}{FUNCTIONS}").startswith('200 {"Functions"')
    assert curl(emulator, "--http2-prior-knowledge", "-H", token, f"{emulator.url}{FUNCTIONS}").startswith(
        "200 "
    )
    by_name = f"http://localhost:{emulator.port}{FUNCTIONS}"
    assert curl(
        emulator, "--resolve", f"localhost:{emulator.port}:127.0.0.1", "-H", token, by_name
    ).startswith("200 ")


@pytest.mark.parametrize("service", ["s3", "lambda", "stepfunctions", "cloudformation", "sts", "logs", "iam"])
def test_a_client_of_another_start_reads_what_is_wrong(emulator: Emulator, service: str) -> None:
    client = emulator_client(service, {**emulator.environment, "AWS_SESSION_TOKEN": "of-an-earlier-start"})
    call = {
        "s3": "list_buckets", "lambda": "list_functions", "stepfunctions": "list_state_machines",
        "cloudformation": "list_stacks", "sts": "get_caller_identity", "logs": "describe_log_groups", "iam": "list_roles",
    }[service]  # fmt: skip
    with pytest.raises(ClientError) as caught:
        getattr(client, call)()
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert "the request does not have the session token of this start" in str(caught.value)


def test_a_presigned_address_carries_the_token_and_works(emulator: Emulator) -> None:
    client = emulator_client("s3", emulator.environment, Config(signature_version="s3v4"))
    where = {"LocationConstraint": emulator.region}
    client.create_bucket(Bucket="presigned", CreateBucketConfiguration=where)
    client.put_object(Bucket="presigned", Key="key", Body=b"body")
    address = client.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "key"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address) as answer:
        assert answer.read() == b"body"
    path = address.removeprefix(emulator.url)
    assert send(emulator, "GET", path, {"Sec-Fetch-Site": "none"})[0] == 403


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the processes in /proc")
def test_no_other_user_of_the_machine_can_read_the_token_or_a_file(emulator: Emulator) -> None:
    assert stat.S_IMODE(emulator._folder.stat().st_mode) == 0o700
    ours = [path for path in Path("/proc").glob("[0-9]*") if holds(path / "environ", emulator.token)]
    assert len(ours) >= 2, "the keeper and the server"
    for process in ours:
        assert not holds(process / "cmdline", emulator.token)
        assert stat.S_IMODE((process / "environ").stat().st_mode) == 0o400
        assert (process / "environ").stat().st_uid == os.geteuid()


def holds(file: Path, text: str) -> bool:
    try:
        return text.encode() in file.read_bytes()
    except OSError:
        return False  # gone, or not ours to read
