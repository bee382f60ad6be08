"""The guard in front of the emulator: who does not know the session token of this start gets 403, and nothing happens.

Whoever reaches the emulator can run code as the person who started it: a Lambda is a process here. A port of the loopback
interface is open to every web page that this person looks at and to every other user of the machine, so neither the
address nor an access key that everybody knows is a door. The token is: clients of AWS send it with every signed request,
and the emulator hands it to the Lambdas.

`emulator.Emulator` runs this file as a script. It starts MiniStack in its own process, as `python -m ministack` would, with
this guard around its application: there is no second port behind the guard. The token comes in the environment, which
other users of the machine cannot read, unlike a command line.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

TOKEN_NAME = b"x-amz-security-token"
"""Of the header and, in any case of letters, of the parameter of presigned addresses.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""
MIN_TOKEN_LENGTH = 32
"""Characters; a shorter one is a mistake of whoever starts this."""

_SENTENCES = (
    "The emulator did not answer: {}. It answers to clients that have the variables of this very start, as `fab local` "
    "prints them."
)
_XML = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>{}</Message></Error></ErrorResponse>"
_ORIGIN = "the request comes from a web page"
_HOST = "the request names another host than 127.0.0.1 or localhost and its port"
_TOKEN = "the request does not have the session token of this start"


def refusal(headers: Headers, query: bytes, hosts: frozenset[bytes], token: bytes) -> str | None:
    """Return why a request is not answered, in words that hold nothing of it, or None if it is.

    `hosts` are the values of Host that are the emulator's own, in lower case. Pages are told by what browsers add to
    their requests and no page can leave out (Origin, Sec-Fetch-...), whatever else they know.
    """
    given = [(name.lower(), value) for name, value in headers]
    if any(name == b"origin" or name.startswith(b"sec-fetch-") for name, _ in given):
        return _ORIGIN
    named = [value.lower() for name, value in given if name == b"host"]
    if len(named) != 1 or named[0] not in hosts:
        return _HOST
    tokens = [value for name, value in given if name == TOKEN_NAME] + _tokens_in(query)
    if len(tokens) != 1 or not hmac.compare_digest(tokens[0], token):
        return _TOKEN
    return None


def _tokens_in(query: bytes) -> list[bytes]:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return [value.encode("latin-1") for name, value in pairs if name.lower() == TOKEN_NAME.decode()]


@dataclass(frozen=True)
class Guard:
    """An ASGI application around another one, https://asgi.readthedocs.io/en/latest/specs/www.html."""

    app: App
    hosts: frozenset[bytes]
    token: bytes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Hand on what is allowed, and the server's own start and end; answer all else with 403."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await _refuse_socket(receive, send)
        elif why := refusal(scope["headers"], scope["query_string"], self.hosts, self.token):
            await send({"type": "http.response.start", "status": 403, "headers": _REFUSED_HEADERS})
            await send({"type": "http.response.body", "body": _refused_body(scope, why)})
        else:
            await self.app(scope, receive, _without_cors(send))


_REFUSED_HEADERS = [
    (b"x-amzn-errortype", b"AccessDenied"),  # where clients of Lambda look for the code
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


def _refused_body(scope: Message, why: str) -> bytes:
    """Return what the client of the service that was meant shows as code and message."""
    if scope["method"] == "HEAD":
        return b""
    sentences = _SENTENCES.format(why)
    if any(name.lower() == b"x-amz-target" for name, _ in scope["headers"]):
        return json.dumps({"__type": "AccessDenied", "message": sentences}).encode()
    return _XML.format(sentences).encode()


async def _refuse_socket(receive: Receive, send: Send) -> None:
    """No WebSocket: nothing of ours opens one, and to servers this answer is a 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})


def _without_cors(send: Send) -> Send:
    """No answer invites pages to read it, whatever the emulator says."""

    async def send_without_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [
                one for one in message.get("headers", ()) if not one[0].lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": kept}
        await send(message)

    return send_without_cors


def main() -> None:
    """Run MiniStack behind the guard until it is ended."""
    token = os.environ.get("AWS_SESSION_TOKEN", "")
    if len(token) < MIN_TOKEN_LENGTH:
        sys.exit(f"AWS_SESSION_TOKEN must have at least {MIN_TOKEN_LENGTH} characters; it has {len(token)}.")
    port = os.environ["GATEWAY_PORT"]
    from ministack import app as ministack

    hosts = frozenset(f"{host}:{port}".encode() for host in (os.environ["BIND_HOST"], "localhost"))
    ministack.app = Guard(ministack.app, hosts, token.encode())
    ministack.main()


if __name__ == "__main__":
    main()
