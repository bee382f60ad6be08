"""The command that runs on LocalStack: what it calls wrong, what its server may reach, and how it ends. Without LocalStack."""

from __future__ import annotations

import base64
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.localstack import __main__ as command
from tests.localstack import converging, localstack_server
from tests.localstack.answers import Answer
from tests.localstack.checksums_of_bytes import checksum, checksum_of_parts
from tests.localstack.converging import Played
from tests.localstack.localstack_server import Server
from tests.localstack.localstack_worlds import Given, scenes

CHECK = b"123456789"
SHA1_OF_CHECK = "f7c3bc1d808e04732adf679965ccc34ca7ae3441"
SERVER = """
import http.server, os
class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
host, port = os.environ["GATEWAY_LISTEN"].split(":")
http.server.HTTPServer((host, int(port)), Answering).serve_forever()
"""
LEAVING = """
import contextlib, socket
for attempt in (
    lambda one: one.connect(("192.0.2.1", 443)),
    lambda one: one.connect_ex(("192.0.2.1", 443)),
    lambda one: one.sendto(b"", ("192.0.2.2", 53)),
    lambda one: one.bind(("0.0.0.0", 0)),
    lambda one: socket.getaddrinfo("example.com", 443),
    lambda one: socket.gethostbyname("example.org"),
    lambda one: socket.gethostbyname("s3.localhost"),
    lambda one: one.bind(("127.0.0.1", 0)),
    lambda one: socket.getaddrinfo("localhost", 443),
):
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        try:
            attempt(one)
        except PermissionError:
            print("refused")
        else:
            print("allowed")
"""
REPORT: dict[str, Any] = {
    "outcome": "Succeeded",
    "cause": "",
    "plan": {"copy": {"objects": 0}, "delete": {"objects": 0}},
    "requests": {"LIST": 2, "HEAD": 4},
    "notSynchronised": [],
}


def test_checksums_are_those_that_the_standards_give_for_nine_digits() -> None:
    """The values of the catalogue of parametrised CRC algorithms, and what `sha1sum` says."""
    assert checksum("CRC32", CHECK) == "y/Q5Jg=="
    assert checksum("CRC32C", CHECK) == "4waSgw=="
    assert checksum("CRC64NVME", CHECK) == "rosUhgp5mIg="
    assert checksum("SHA1", CHECK) == base64.b64encode(bytes.fromhex(SHA1_OF_CHECK)).decode()
    assert checksum_of_parts("CRC32", "FULL_OBJECT", (b"1234", b"56789")) == "y/Q5Jg=="
    assert checksum_of_parts("SHA256", "COMPOSITE", (CHECK,)).endswith("=-1")


def test_every_type_of_checksum_comes_over_in_equal_and_in_unequal_parts() -> None:
    every = list(scenes())
    assert len({scene.name for scene in every}) == len(every)
    kinds = [
        (len(set(map(len, one.parts[:-1]))), one.algorithm, one.kind)
        for scene in every
        for one in scene.source
    ]
    for kind in (
        *(("CRC32", "FULL_OBJECT"), ("CRC32C", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT")),
        *(("CRC32", "COMPOSITE"), ("CRC32C", "COMPOSITE"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE")),
    ):
        assert {(1, *kind), (2, *kind)} <= set(kinds)


def test_a_server_can_reach_nothing_outside_and_what_it_tried_is_told(tmp_path: Path) -> None:
    surroundings = localstack_server.surroundings(tmp_path, 1)
    done = subprocess.run(
        [sys.executable, "-c", LEAVING], env=surroundings, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused"] * 7 + ["allowed"] * 2
    assert Server("", Path(surroundings["LEAVING_LOG"])).left() == [
        *("socket.connect 192.0.2.1", "socket.sendto 192.0.2.2", "socket.bind 0.0.0.0"),
        *("socket.getaddrinfo example.com", "socket.gethostbyname example.org"),
    ]


def test_a_server_gets_nothing_of_ours_but_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LOCALSTACK_AUTH_TOKEN", "secret")
    surroundings = localstack_server.surroundings(tmp_path, 4711)
    assert "secret" not in surroundings.values()
    assert surroundings["GATEWAY_LISTEN"] == "127.0.0.1:4711"
    assert (
        surroundings["DISABLE_EVENTS"],
        surroundings["SKIP_SSL_CERT_DOWNLOAD"],
        surroundings["DNS_ADDRESS"],
    ) == ("1", "1", "0")


def test_a_server_ends_with_its_block() -> None:
    with localstack_server.running([sys.executable, "-c", SERVER]) as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        socket.create_connection((host, int(port))).close()
        assert (host, server.left()) == ("127.0.0.1", [])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_the_last_words_of_a_server_that_does_not_start_are_told() -> None:
    with (
        pytest.raises(localstack_server.DidNotStart, match="no such module of theirs"),
        localstack_server.running([sys.executable, "-c", "raise SystemExit('no such module of theirs')"]),
    ):
        raise AssertionError("it did not start")


def test_an_environment_is_used_again_as_long_as_the_version_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "installed.txt").write_text(localstack_server.wanted(), encoding="utf-8")
    assert localstack_server.install(tmp_path, tmp_path / "no Python") == tmp_path / "bin/python"
    (tmp_path / "installed.txt").write_text("localstack-core==1.0", encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        localstack_server.install(tmp_path, tmp_path / "no Python")


def test_whatever_differs_between_two_buckets_is_told() -> None:
    source = {"a": {"ETag": '"1"', "body": b"12"}, "b": {"tags": {}}}
    destination = {"a": {"ETag": '"2"', "body": b"3"}, "c": {}}
    assert converging.differences(source, source) == []
    assert converging.differences(source, destination) == [
        *("'b' is missing", "'c' is there"),
        *("""'a': ETag is '"2"', expected '"1"'""", "'a': body is 1 bytes, expected 2 bytes"),
    ]


def test_a_server_that_says_something_else_of_the_source_than_what_was_written_is_told() -> None:
    given = Given("k", parts=(b"12", b"3"), algorithm="SHA1", kind="COMPOSITE")
    look = {"body": b"123", "parts": [2, 1], "ChecksumType": "COMPOSITE", "ChecksumSHA1": given.checksum()}
    assert converging.wrong_source((given,), {"k": look}) == []
    for name, other in {
        "body": b"12",
        "parts": [3],
        "ChecksumType": "FULL_OBJECT",
        "ChecksumSHA1": "AAAA",
    }.items():
        assert len(converging.wrong_source((given,), {"k": {**look, name: other}})) == 1


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, []),
        ({"requests": {"LIST": 2, "COPY": 1}}, ["the second run sends COPY"]),
        ({"plan": {"copy": {"objects": 3}, "delete": {"objects": 0}}}, ["the second run plans to copy 3"]),
        ({"plan": {"copy": {"objects": 0}, "delete": {"objects": 1}}}, ["the second run plans to delete 1"]),
        ({"outcome": "NotInSync", "cause": "why"}, ["the second run ended with NotInSync: why"]),
    ],
)  # fmt: skip
def test_a_second_run_may_only_read(more: dict[str, Any], wrong: list[str]) -> None:
    assert converging.wrong_second({**REPORT, **more}) == wrong


def test_a_first_run_that_did_not_end_well_is_told_with_its_objects() -> None:
    named = [{"key": "k", "error": "412: no"}]
    report = {**REPORT, "outcome": "SyncIncomplete", "notSynchronised": named}
    assert converging.wrong_first(report) == ["the first run ended with SyncIncomplete: k: 412: no"]
    assert converging.wrong_first(REPORT) == []


@pytest.mark.parametrize(
    ("only", "wrong", "left", "status"),
    [
        ("", [], [], 0),
        ("", ["'k' is missing"], [], 1),
        ("", [], ["socket.connect 192.0.2.1"], 1),
        ("no such world", [], [], 1),
    ],
)
def test_one_world_that_does_not_converge_is_a_failure_and_so_is_a_server_that_leaves(
    only: str,
    wrong: list[str],
    left: list[str],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "leaving").write_text("".join(f"{line}\n" for line in left), encoding="utf-8")
    fine = Played("one piece", {"COPY": 1, "LIST": 2}, {"LIST": 2}, [], 1.0)

    @contextlib.contextmanager
    def running(started: list[str]) -> Iterator[Server]:
        assert started == ["their python", "-c", localstack_server.START]
        yield Server("http://127.0.0.1:1", tmp_path / "leaving")

    monkeypatch.setattr(command, "running", running)
    monkeypatch.setattr(
        command, "asked", lambda url: [Answer("one", "412", "200"), Answer("other", "404", "404")]
    )
    monkeypatch.setattr(command, "install", lambda environment, python: Path("their python"))
    monkeypatch.setattr(
        command,
        "play",
        lambda scene, url: replace(fine, name=scene.name, wrong=wrong if scene.name == "orphans" else []),
    )
    assert command.main(["--python", sys.executable, "--only", only]) == status
    out = capsys.readouterr().out
    assert ("| one piece | 1 COPY, 2 LIST | 2 LIST | equal | 1.0 |" in out) == (only == "")
    assert "| one | 412 | 200 |" in out and "| other |" not in out
    assert ("left" in out or "leave" in out) == bool(left)
    assert all(sentence in out for sentence in wrong)


def test_a_python_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--python", "3.99"]) == 1
    assert "No Python 3.99" in capsys.readouterr().out
