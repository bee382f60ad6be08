"""Checksums that prove two contents equal or different, and those that prove nothing."""

from __future__ import annotations

import base64
import hashlib
import zlib
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_functions.shared.s3.checksums import (
    carried_checksum,
    checksum_of_nothing,
    composite_of_one,
    crc32c,
    same_checksum,
)

WHOLE = base64.b64encode(hashlib.sha256(b"content").digest()).decode()
OF_ONE = base64.b64encode(hashlib.sha256(hashlib.sha256(b"content").digest()).digest()).decode() + "-1"


# https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-32-iscsi and RFC 3720, B.4
@pytest.mark.parametrize(
    ("data", "value"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_crc32c_is_that_of_its_specification(data: bytes, value: int) -> None:
    assert crc32c(data) == value


def test_the_composite_of_one_part_is_the_checksum_of_its_raw_checksum() -> None:
    assert composite_of_one("SHA256", WHOLE) == OF_ONE
    of_nothing = crc32c(crc32c(b"123456789").to_bytes(4, "big")).to_bytes(4, "big")
    assert composite_of_one("CRC32C", "4waSgw==") == base64.b64encode(of_nothing).decode() + "-1"
    of_crc32 = zlib.crc32(bytes.fromhex("cbf43926")).to_bytes(4, "big")
    assert composite_of_one("CRC32", "y/Q5Jg==") == base64.b64encode(of_crc32).decode() + "-1"


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512", "MD5"])
def test_the_composite_of_one_part_is_known_for_every_hash_that_python_has(algorithm: str) -> None:
    """Where it is not, an object of one part is copied again by every run, or cannot be copied with its checksum."""
    digest = hashlib.new(algorithm, b"content").digest()
    of_one = base64.b64encode(hashlib.new(algorithm, digest).digest()).decode()

    assert composite_of_one(algorithm, base64.b64encode(digest).decode()) == f"{of_one}-1"


@pytest.mark.parametrize("algorithm", ["XXHASH64", "XXHASH3", "XXHASH128", "CRC64NVME", "ONE_OF_TOMORROW"])
def test_the_composite_of_an_algorithm_that_python_does_not_have_is_unknown(algorithm: str) -> None:
    assert composite_of_one(algorithm, "AAAA") is None


# Those that Python does not have: https://reveng.sourceforge.io/crc-catalogue/17plus.htm, where they are 0 for no bytes, and
# https://github.com/Cyan4973/xxHash with the seed 0.
@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("CRC32", zlib.crc32(b"").to_bytes(4, "big")),
        ("CRC32C", bytes(4)),
        ("CRC64NVME", bytes(8)),
        *((name, hashlib.new(name, b"").digest()) for name in ("SHA1", "SHA256", "SHA512", "MD5")),
        ("XXHASH64", bytes.fromhex("ef46db3751d8e999")),
        ("XXHASH3", bytes.fromhex("2d06800538d394c2")),
        ("XXHASH128", bytes.fromhex("99aa06d3014798d86001c324468d497f")),
    ],
)
def test_an_empty_part_has_the_checksum_of_no_bytes(algorithm: str, digest: bytes) -> None:
    """S3 refuses any other, and an upload with an empty last part could not be copied."""
    expected = {f"Checksum{algorithm}": base64.b64encode(digest).decode()}

    assert checksum_of_nothing(algorithm) == expected


def test_an_empty_part_of_an_upload_without_an_algorithm_has_no_checksum() -> None:
    assert checksum_of_nothing("") == {}


def client_that_knows(*members: str) -> Any:
    """Return what `carried_checksum` asks of a client: which members its model has; SHA1 and SHA512 it knows by halves."""
    algorithms = SimpleNamespace(enum=["CRC32", "SHA256", "SHA1"])
    completed = ("ChecksumCRC32", "ChecksumSHA256", "ChecksumSHA512")
    known = {"ChecksumAlgorithm": algorithms, **dict.fromkeys(members)}
    model = SimpleNamespace(
        operation_model=lambda name: SimpleNamespace(input_shape=SimpleNamespace(members=known)),
        shape_for=lambda name: SimpleNamespace(members=dict.fromkeys(completed)),
    )
    return SimpleNamespace(meta=SimpleNamespace(service_model=model))


@pytest.mark.parametrize(
    ("kind", "carried_by_old", "carried_by_new"),
    [
        ("", {"ChecksumAlgorithm": "SHA256"}, {"ChecksumAlgorithm": "SHA256"}),
        (
            "COMPOSITE",
            {"ChecksumAlgorithm": "SHA256"},
            {"ChecksumAlgorithm": "SHA256", "ChecksumType": "COMPOSITE"},
        ),
        ("FULL_OBJECT", {}, {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"}),
    ],
)
def test_a_client_that_knows_no_types_opens_uploads_of_the_default_type_only(
    kind: str, carried_by_old: dict[str, str], carried_by_new: dict[str, str]
) -> None:
    """A source whose type such a client has not been told is of the default type as well, and keeps its checksum."""
    assert carried_checksum(client_that_knows(), "SHA256", kind) == carried_by_old
    assert carried_checksum(client_that_knows("ChecksumType"), "SHA256", kind) == carried_by_new
    assert carried_checksum(client_that_knows("ChecksumType"), "ONE_OF_TOMORROW", kind) == {}


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA512", ""])
@pytest.mark.parametrize("kind", ["", "COMPOSITE", "FULL_OBJECT"])
def test_a_client_that_could_open_an_upload_and_not_complete_it_opens_none(algorithm: str, kind: str) -> None:
    """S3 would refuse it at its end, when all of its parts are copied."""
    assert carried_checksum(client_that_knows("ChecksumType"), algorithm, kind) == {}


def of(value: str, kind: str | None, name: str = "ChecksumSHA256") -> dict[str, Any]:
    return {name: value, "ChecksumType": kind}


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (of(WHOLE, "FULL_OBJECT"), of(WHOLE, "FULL_OBJECT"), True),
        (of(WHOLE, "FULL_OBJECT"), of("other", "FULL_OBJECT"), False),
        (of(OF_ONE, "COMPOSITE"), of(WHOLE, "FULL_OBJECT"), True),
        (of("other-1", "COMPOSITE"), of(WHOLE, "FULL_OBJECT"), False),
        (of("other-2", "COMPOSITE"), of(WHOLE, "FULL_OBJECT"), None),
        (of("other-1", "COMPOSITE", "ChecksumXXHASH3"), of(WHOLE, "FULL_OBJECT", "ChecksumXXHASH3"), None),
        (of(OF_ONE, "COMPOSITE"), of(WHOLE, "FULL_OBJECT", "ChecksumSHA1"), None),
        (of(OF_ONE, None), of(WHOLE, "FULL_OBJECT"), True),
        (of(OF_ONE, None), of(WHOLE, None), True),
        (of("other-2", None), of(WHOLE, None), None),
        (of("other-2", "COMPOSITE"), of(OF_ONE, "COMPOSITE"), False),
        (of(WHOLE, "FULL_OBJECT"), of(WHOLE, "COMPOSITE"), None),
        (of(WHOLE, "FULL_OBJECT"), of("other", None), None),
        (of(OF_ONE, "COMPOSITE"), of(OF_ONE, None), None),
        ({}, of(WHOLE, "FULL_OBJECT"), None),
        (of("", "FULL_OBJECT"), of("", "FULL_OBJECT"), None),
        ({}, {}, None),
    ],
)
def test_what_two_checksums_prove(one: dict[str, Any], other: dict[str, Any], answer: bool | None) -> None:
    assert same_checksum(one, other) is answer
    assert same_checksum(other, one) is answer


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html
@pytest.mark.parametrize(
    "name",
    [
        "ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256", "ChecksumSHA512",
        "ChecksumMD5", "ChecksumXXHASH64", "ChecksumXXHASH3", "ChecksumXXHASH128",
    ],
)  # fmt: skip
def test_every_checksum_of_s3_proves_contents_equal_or_different(name: str) -> None:
    assert same_checksum({name: "AAAA"}, {name: "AAAA"}) is True
    assert same_checksum({name: "AAAA"}, {name: "BBBB"}) is False
