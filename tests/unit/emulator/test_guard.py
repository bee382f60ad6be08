"""Who is let in to the emulator, by headers and query alone, and what the guard does around a small application."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.emulator import guard
from deployment.emulator.guard import Guard, Message, refusal

TOKEN = b"t0ken-" + b"x" * 37
HOSTS = frozenset({b"127.0.0.1:4567", b"localhost:4567"})
HOST = (b"host", b"127.0.0.1:4567")
SECRET = (b"x-amz-security-token", TOKEN)
QUERY = b"X-Amz-Security-Token=" + TOKEN

ALLOWED: list[tuple[list[tuple[bytes, bytes]], bytes]] = [
    ([HOST, SECRET], b""),
    ([SECRET, (b"accept", b"*/*"), HOST], b"list-type=2"),
    ([(b"Host", b"LOCALHOST:4567"), (b"X-Amz-Security-Token", TOKEN)], b""),
    ([HOST], b"X-Amz-Algorithm=AWS4-HMAC-SHA256&" + QUERY),
    ([HOST], b"x-amz-security-token=" + TOKEN + b"&Signature=abc"),
    ([HOST], b"X-Amz-Security-Token=" + TOKEN.replace(b"-", b"%2D")),
    ([HOST, SECRET, (b"referer", b"http://127.0.0.1/"), (b"user-agent", b"origin")], b"origin=1"),
]
PAGES: list[tuple[bytes, bytes]] = [
    (b"origin", b"https://evil.example"), (b"origin", b"null"), (b"origin", b""), (b"Origin", b"http://127.0.0.1:4567"),
    (b"sec-fetch-site", b"none"), (b"sec-fetch-mode", b"no-cors"), (b"Sec-Fetch-Dest", b"image"), (b"sec-fetch-user", b"?1"),
    (b"sec-fetch-storage-access", b"active"),
]  # fmt: skip
FOREIGN = [
    b"evil.example", b"evil.example:4567", b"127.0.0.1", b"127.0.0.1:4568", b"127.0.0.1:04567", b"127.0.0.1:4567.", b"",
    b"127.0.0.1:4567, evil.example", b"127.0.0.1:4567@evil.example", b"127.1:4567", b"[::1]:4567", b"0.0.0.0:4567",
    b"localhost.:4567", b"bucket.localhost:4567", b"bucket.s3.localhost:4567", b"127.0.0.1.nip.io:4567", b" 127.0.0.1:4567",
]  # fmt: skip
WRONG_TOKENS: list[tuple[list[tuple[bytes, bytes]], bytes]] = [
    ([], b""),
    ([(b"x-amz-security-token", b"")], b""),
    ([(b"x-amz-security-token", TOKEN[:-1])], b""),
    ([(b"x-amz-security-token", TOKEN + b"x")], b""),
    ([(b"x-amz-security-token", TOKEN.upper())], b""),
    ([(b"x-amz-security-token", b"\xff\xfe" + TOKEN)], b""),
    ([(b"authorization", TOKEN)], b""),
    ([(b"cookie", b"x-amz-security-token=" + TOKEN)], b""),
    ([SECRET, SECRET], b""),
    ([SECRET, (b"x-amz-security-token", b"other")], b""),
    ([SECRET], QUERY),
    ([], QUERY + b"&" + QUERY),
    ([], b"X-Amz-Security-Token=%ff\xff"),
    ([], b"a=" + TOKEN),
    ([], b"X-Amz-Security-Token"),
]


@pytest.mark.parametrize(("headers", "query"), ALLOWED)
def test_a_client_with_the_token_is_let_in(headers: list[tuple[bytes, bytes]], query: bytes) -> None:
    assert refusal(headers, query, HOSTS, TOKEN) is None


@pytest.mark.parametrize("header", PAGES)
@pytest.mark.parametrize(("headers", "query"), ALLOWED[:1] + ALLOWED[3:4])
def test_a_page_is_not_let_in_whatever_it_knows(
    headers: list[tuple[bytes, bytes]], query: bytes, header: tuple[bytes, bytes]
) -> None:
    assert refusal([*headers, header], query, HOSTS, TOKEN) == "the request comes from a web page"


@pytest.mark.parametrize("host", FOREIGN)
def test_a_request_for_another_host_is_not_let_in(host: bytes) -> None:
    words = "the request names another host than 127.0.0.1 or localhost and its port"
    assert refusal([(b"host", host), SECRET], b"", HOSTS, TOKEN) == words
    assert refusal([HOST, (b"host", host), SECRET], b"", HOSTS, TOKEN) == words
    assert refusal([SECRET], b"", HOSTS, TOKEN) == words


@pytest.mark.parametrize(("headers", "query"), WRONG_TOKENS)
def test_without_the_one_right_token_nobody_is_let_in(
    headers: list[tuple[bytes, bytes]], query: bytes
) -> None:
    words = "the request does not have the session token of this start"
    assert refusal([HOST, *headers], query, HOSTS, TOKEN) == words


@given(
    st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=30)), max_size=6), st.binary(max_size=60)
)
def test_no_bytes_get_in_or_break_the_guard(headers: list[tuple[bytes, bytes]], query: bytes) -> None:
    assert refusal([HOST, *headers], query, HOSTS, TOKEN) is not None


def ask(scope: Message) -> tuple[list[Message], list[Message]]:
    """Send one request through the guard; return what the application behind it saw, and what was answered."""
    seen: list[Message] = []
    answers: list[Message] = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        seen.append(scope)
        if scope["type"] == "http":
            headers = [
                (b"Access-Control-Allow-Origin", b"*"),
                (b"etag", b"e"),
                (b"access-control-max-age", b"1"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"secret"})

    async def receive() -> Message:
        return {"type": "websocket.connect" if scope["type"] == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        answers.append(message)

    asyncio.run(Guard(app, HOSTS, TOKEN)(scope, receive, send))
    return seen, answers


def http(*headers: tuple[bytes, bytes], method: str = "GET") -> Message:
    return {"type": "http", "method": method, "headers": headers, "query_string": b""}


def test_what_is_let_in_is_answered_by_the_application_without_words_for_other_origins() -> None:
    scope = http(HOST, SECRET)
    seen, answers = ask(scope)
    assert seen == [scope]
    assert answers == [
        {"type": "http.response.start", "status": 200, "headers": [(b"etag", b"e")]},
        {"type": "http.response.body", "body": b"secret"},
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "DELETE"])
def test_what_is_not_let_in_never_reaches_the_application(method: str) -> None:
    seen, (start, body) = ask(http(HOST, SECRET, (b"origin", b"https://evil.example"), method=method))
    assert (seen, start["status"]) == ([], 403)
    assert dict(start["headers"]) == {
        b"x-amzn-errortype": b"AccessDenied",
        b"cache-control": b"no-store",
        b"x-content-type-options": b"nosniff",
    }
    said = b"" if method == "HEAD" else b"The emulator did not answer: the request comes from a web page."
    assert said in body["body"] and bool(body["body"]) == bool(said)


def test_no_websocket_is_opened_not_even_with_the_token() -> None:
    scope = {"type": "websocket", "headers": [HOST, SECRET], "query_string": b""}
    assert ask(scope) == ([], [{"type": "websocket.close", "code": 1008}])


def test_the_start_of_the_server_is_the_applications() -> None:
    assert ask({"type": "lifespan"}) == ([{"type": "lifespan"}], [])


@pytest.mark.parametrize("environment", [{}, {"AWS_SESSION_TOKEN": ""}, {"AWS_SESSION_TOKEN": "x" * 31}])
def test_without_a_token_there_is_no_server(environment: dict[str, str]) -> None:
    command = [sys.executable, "-P", guard.__file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = len(environment.get("AWS_SESSION_TOKEN", ""))
    assert done.returncode == 1
    assert done.stderr == f"AWS_SESSION_TOKEN must have at least 32 characters; it has {found}.\n"
