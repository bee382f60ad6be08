"""Python imports this by itself when it starts, if its folder is on PYTHONPATH: nothing leaves the loopback interface then.

Whatever would is refused, and written down in the file that LEAVING_LOG names. This needs the standard library only, as it runs
in the environment of a server.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

LOCAL = ("", "localhost", "::1", "None")
ADDRESSED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")
NAMED = ("socket.getaddrinfo", "socket.gethostbyname")


def _refuse_what_leaves(event: str, arguments: tuple[Any, ...]) -> None:
    host = _host(event, arguments)
    if host is None or host in LOCAL or host.startswith("127."):
        return
    if not host.endswith(
        ".localhost"
    ):  # which RFC 6761 keeps for this machine: asked for at the start, and not needed
        _write_down(f"{event} {host}\n")
    raise PermissionError(f"{event} {host}: nothing may leave the loopback interface")


def _write_down(line: str) -> None:
    with open(os.environ["LEAVING_LOG"], "a", encoding="utf-8") as log:  # noqa: PTH123 - pathlib is not imported yet
        log.write(line)


def _host(event: str, arguments: tuple[Any, ...]) -> str | None:
    """Return the host that an event is about; None if it is about none, as with sockets that are files."""
    if event in NAMED:
        name = arguments[0]
        return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
    if event not in ADDRESSED or arguments[0].family not in (socket.AF_INET, socket.AF_INET6):
        return None
    address = arguments[1]
    return str(address[0]) if isinstance(address, tuple) else None


sys.addaudithook(_refuse_what_leaves)
