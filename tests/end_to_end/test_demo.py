"""The main job as a newcomer sees it: `fab demo` deploys, syncs and checks on the embedded emulator."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import demo_picture
import pytest
from fake_executions import piped
from places import PROJECT

from deployment.emulator import demo

pytest.importorskip("ministack", reason="the embedded emulator is not installed")


@dataclass(frozen=True)
class Demonstrated:
    """What a demo wrote, and all hosts that this process connected to meanwhile."""

    out: str
    err: str
    hosts: frozenset[str]


@pytest.fixture(scope="module")
def demonstrated() -> Demonstrated:
    """The demo once, with a profile and an endpoint of somebody's own set."""
    hosts: set[str] = set()
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        hosts.add(str(address[0]))
        connect(self, address)

    console, out, err = piped()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", noted)
        patch.setenv("AWS_PROFILE", "production")
        patch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.com")
        demo.run(PROJECT, None, console)
    return Demonstrated(out.getvalue(), err.getvalue(), frozenset(hosts))


def test_the_demo_syncs_every_kind_of_difference_and_a_second_run_copies_nothing(
    demonstrated: Demonstrated,
) -> None:
    out, err = demonstrated.out, demonstrated.err
    words = [line.split() for line in out.splitlines()]
    assert ["copied", "169", "0"] in words
    assert ["deleted", "40", "0"] in words
    assert ["equal,", "left", "alone", "100", "269"] in words
    assert "Before: 139 objects missing, 30 changed, 40 orphaned, 100 equal." in out
    assert "Checked 269 objects on both sides: all equal." in err
    assert out.endswith(f"\n{demo.NEXT}\n")
    assert max(map(len, out.splitlines())) < 80
    assert demonstrated.hosts == {"127.0.0.1"}, (
        "whatever profile and endpoint the user has set, nothing reaches AWS"
    )


def test_the_picture_in_the_readme_shows_what_the_demo_says_today(demonstrated: Demonstrated) -> None:
    picture = demo_picture.PICTURE.read_text(encoding="utf-8")
    assert demo_picture.words(demo_picture.pictured(picture)) == demo_picture.words(demonstrated.out)
    assert "docs/images/demo.svg" in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_demo_takes_a_folder_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ü & x.html").write_text("<p>")
    (tmp_path / "big.bin").write_bytes(bytes(5000))
    (tmp_path / "empty").mkdir()
    console, out, err = piped()
    demo.run(PROJECT, tmp_path, console)
    words = [line.split() for line in out.getvalue().splitlines()]
    assert ["copied", "2", "0"] in words
    assert "Left out: empty: an empty folder, or one that cannot be read\n" in err.getvalue()
    assert "Uploaded 2 files, 4.9 KiB.\n" in err.getvalue()
