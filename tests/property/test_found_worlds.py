"""Worlds in which something was wrong once, and a few that a random walk seldom meets, under their own names."""

from __future__ import annotations

import place
import pytest
from blueprints import Blueprint, World
from machine_on_moto import Machine

CONTROL = "".join(map(chr, range(1, 32)))
KMS = "a key"


def of(
    source: dict[str, Blueprint], destination: dict[str, Blueprint] | None = None, **options: object
) -> World:
    """Return a world of blueprints."""
    there = destination or {}
    return World(
        {key: found.made() for key, found in source.items()},
        {key: found.made() for key, found in there.items()},
        options,
    )


def in_parts(*sizes: int, **more: object) -> Blueprint:
    """Return an object of parts of these sizes."""
    return Blueprint(bytes(range(sum(sizes))), parts=sizes, **more)  # type: ignore[arg-type]


def expiring(text: str) -> dict[str, str]:
    """Return headers with such an Expires."""
    return {"content-type": "text/plain", "expires": text}


WORLDS = {
    "parts that expire at no date": of(
        {
            text: in_parts(2, 2, headers=expiring(text))
            for text in ("0", "-1", "never", "Wed, 02 Jan 2030 03:04:05 GMT")
        }
    ),
    "a date that expires is no other text": of(
        {"a": Blueprint(b"1", headers=expiring("-1"), modified=1_700_000_001)},
        {"a": Blueprint(b"1", headers=expiring("never"))},
    ),
    "an empty last part": of({"a": in_parts(3, 0), "b": in_parts(2, 1, 0), "c": in_parts(0)}),
    "an empty last part with a checksum": of(
        {kind: in_parts(3, 0, checksum=("CRC32", kind)) for kind in ("COMPOSITE", "FULL_OBJECT")}
    ),
    "parts under keys that XML cannot hold": of(
        {key: in_parts(1, 1) for key in (CONTROL, "\ufffe", "\uffff", "\x01", "&#1;", "a&b<c>")}
    ),
    "KMS, guessed parts and a checksum of them": of(
        {"a": in_parts(4, 3, 2, kms=KMS, checksum=("SHA256", "COMPOSITE"))}
    ),
    "KMS without a checksum": of({"a": in_parts(4, 3, 2, kms=KMS), "b": Blueprint(b"1", kms=KMS)}),
    "orphans that the source cannot have": of(
        {"p/kept": Blueprint(b"1")},
        {"k" * 1023: Blueprint(), "é" * 511: Blueprint()},
        prefix="p/",
        destinationPrefix="",
    ),
    "an empty key to start after": of(
        {"p/": Blueprint(b"1"), "p/a": Blueprint(b"2")}, {"p/": Blueprint(b"3")}, prefix="p/", startAfter=""
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_oracle_is_right_where_something_was_wrong_once(running: Machine, name: str) -> None:
    place.check(running, WORLDS[name])
