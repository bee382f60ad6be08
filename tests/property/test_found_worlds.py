"""Worlds in which something was wrong once, and a few that a random walk seldom meets, under their own names."""

from __future__ import annotations

from dataclasses import replace

import place
import pytest
from blueprints import S3_ITSELF, Blueprint, World
from machine_on_moto import Machine
from oracle import Encryption

CONTROL = "".join(map(chr, range(1, 32)))
KMS = "a key"


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
OLDER = 1_600_000_000


def of(
    source: dict[str, Blueprint],
    destination: dict[str, Blueprint] | None = None,
    encryption: Encryption = S3_ITSELF,
    **options: object,
) -> World:
    """Return a world of blueprints."""
    there = destination or {}
    return World(
        {key: found.made() for key, found in source.items()},
        {key: found.made() for key, found in there.items()},
        options,
        encryption=encryption,
    )


def in_parts(*sizes: int, **more: object) -> Blueprint:
    """Return an object of parts of these sizes."""
    return Blueprint(bytes(range(sum(sizes))), parts=sizes, **more)  # type: ignore[arg-type]


def expiring(text: str) -> dict[str, str]:
    """Return headers with such an Expires."""
    return {"content-type": "text/plain", "expires": text}


TAGGED = Blueprint(b"0123", tags={"team": "ours", "key 1": "a b"})
OF_EVERY_KIND = {
    "plain": Blueprint(b"1"),
    "with a checksum": Blueprint(b"1", checksum=("CRC32", "FULL_OBJECT")),
    "in parts": in_parts(2, 2),
    "in guessed parts with a checksum of them": in_parts(4, 3, 2, checksum=("SHA256", "COMPOSITE")),
    "in one part": in_parts(3),
    "under another key": Blueprint(b"1", kms="other"),
    "parts under another key": in_parts(2, 1, kms="other", word="aws:kms:dsse"),
}

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
    "what is overwritten without tags loses them, what is current keeps them": of(
        {
            "new": TAGGED,
            "overwritten": TAGGED,
            "in parts": replace(TAGGED, parts=(2, 2)),
            "current": TAGGED,
        },
        {
            "overwritten": Blueprint(b"3210", modified=OLDER, tags={"team": "theirs"}),
            "current": replace(TAGGED, tags={"team": "theirs"}),
        },
        copyTags=False,
    ),
    "tags that are compared and not copied": of(
        {"a": TAGGED}, {"a": Blueprint(b"0123")}, copyTags=False, compareTags=True
    ),
    **{
        f"archived sources are asked for, by a run that is {how}": of(
            {
                "p/new": Blueprint(b"1", storage_class="GLACIER"),
                "p/deep": Blueprint(b"12", storage_class="DEEP_ARCHIVE"),
                "p/there": Blueprint(b"123", storage_class="GLACIER", is_restored=True),
                "p/changed": Blueprint(b"1234", storage_class="GLACIER"),
                "p/current": Blueprint(b"12345", storage_class="GLACIER"),
                "p/parts": replace(in_parts(3, 3), storage_class="DEEP_ARCHIVE"),
                "p/" + "k" * 1000: Blueprint(b"1", storage_class="GLACIER"),
            },
            {
                f"{'q' * 30}/changed": Blueprint(b"1", modified=OLDER),
                f"{'q' * 30}/current": Blueprint(b"12345"),
                f"{'q' * 30}/orphan": Blueprint(b"1"),
            },
            prefix="p/",
            destinationPrefix=f"{'q' * 30}/",
            restore={"days": 1, "tier": "Bulk"},
            **options,
        )
        for how, options in {"real": {}, "dry": {"dryRun": True}, "refused": {"maxDelete": 0}}.items()
    },
    "a key of KMS and no word for it": of({"a": TAGGED}, sseKmsKeyId=KEY),
    "a key of KMS and another word": of({"a": TAGGED}, serverSideEncryption="AES256", sseKmsKeyId=KEY),
    **{
        f"copies under {word}": of(
            {**OF_EVERY_KIND, "current": Blueprint(b"1")},
            {"current": Blueprint(b"1")},
            serverSideEncryption=word,
            sseKmsKeyId=KEY,
        )
        for word in ("aws:kms", "aws:kms:dsse")
    },
    "copies under a word for KMS that the bucket has another key for": of(
        OF_EVERY_KIND, encryption=Encryption("aws:kms", KMS), serverSideEncryption="aws:kms:dsse"
    ),
    "copies under the key that the bucket has": of(
        OF_EVERY_KIND, encryption=Encryption("aws:kms", KMS), serverSideEncryption="aws:kms"
    ),
    "copies in a bucket under KMS, and nothing is said": of(
        OF_EVERY_KIND, encryption=Encryption("aws:kms", KMS)
    ),
    "copies in a bucket under KMS that are to be encrypted by S3 itself": of(
        OF_EVERY_KIND, encryption=Encryption("aws:kms", KMS), serverSideEncryption="AES256"
    ),
    "unprovable copies under KMS are kept": of(
        OF_EVERY_KIND, serverSideEncryption="aws:kms", unprovable="keep"
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_oracle_is_right_where_something_was_wrong_once(running: Machine, name: str) -> None:
    place.check(running, WORLDS[name])
