"""The botocore of a Lambda runtime: what an older one cannot carry goes object by object, and one that is too old is refused."""

from __future__ import annotations

import botocore
import pytest
from fake_s3 import MB, Answer
from installed_botocore import MODEL
from runs_on_fake_s3 import World

from lambda_functions.shared.apply import deleter
from lambda_functions.shared.s3.botocore_version import OLDEST_BOTOCORE, is_older, numbers_of


@pytest.fixture
def without_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no client know a condition on a key of DeleteObjects."""
    known = dict(MODEL.shape_for("ObjectIdentifier").members)
    known.pop("ETag", None)
    monkeypatch.setattr(deleter, "_members_of_a_key", lambda client: known)


@pytest.mark.usefixtures("without_conditions")
def test_orphans_go_one_by_one_if_they_are_what_was_listed_where_a_batch_carries_no_condition(
    world: World,
) -> None:
    for number in range(50):
        world.destination.put(f"orphan-{number}", b"1")
    world.source.put("k", b"1")
    world.s3.before("DeleteObject", lambda _: world.destination.put("orphan-7", b"theirs"), key="orphan-7")

    report = world.run()

    assert report["deleted"]["objects"] == 49
    assert sorted(world.destination.objects) == ["k", "orphan-7"]
    assert not world.s3.of("DeleteObjects")
    assert all(request.asked["IfMatch"] for request in world.s3.of("DeleteObject") if "orphan" in request.key)


@pytest.mark.usefixtures("without_conditions")
def test_an_orphan_that_may_not_be_deleted_alone_is_a_failure_and_keeps_no_other(world: World) -> None:
    for key in ("a", "b"):
        world.destination.put(key, b"1")
    world.source.put("k", b"1")
    world.s3.before("DeleteObject", Answer(403, "AccessDenied", "Access Denied"), key="a")

    report = world.run()

    assert (report["outcome"], report["deleted"]["objects"]) == ("SyncIncomplete", 1)
    assert sorted(world.destination.objects) == ["a", "k"]


@pytest.mark.parametrize("algorithm", ["CRC64NVME", "SHA512", "XXHASH3"])
def test_a_checksum_in_two_heads_is_compared_whatever_botocore_knows_of_it(
    world: World, algorithm: str
) -> None:
    world.destination.encryption = "aws:kms"
    world.source.put("k", MB, checksum=algorithm)
    world.run()
    report = world.run()
    assert (report["current"]["objects"], report["unprovable"]["objects"]) == (1, 0)


@pytest.mark.parametrize("expires", ["0", "Wed, 02 Jan 2030 00:00:00 GMT"])
def test_what_stands_as_a_date_is_carried_as_it_is_by_an_upload(world: World, expires: str) -> None:
    world.source.put_parts("k", 6 * MB, MB, headers={"Expires": expires})
    assert world.run()["copied"]["objects"] == 1
    assert world.s3.of("CreateMultipartUpload")[0].asked["Expires"] == expires


@pytest.mark.parametrize("version", ["1.34.144", "1.33.2", "1.9.42", "0.99", "1.34.99.dev1"])
def test_an_older_botocore_is_refused_with_both_versions_and_nothing_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    world.source.put("k", b"1")
    monkeypatch.setattr(botocore, "__version__", version)
    report = world.run()
    assert report["outcome"] == "InvalidInput"
    assert f"botocore is {version}; expected {OLDEST_BOTOCORE} or newer" in report["cause"]
    assert world.destination.contents() == {}
    assert [key for key in world.work.contents() if not key.endswith("/report.json")] == []


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("1.35.49.dev1", (1, 35, 49)), ("1.34.145rc1", (1, 34, 145)), ("2", (2,)), ("unknown", ()), ("", ())],
)
def test_versions_are_numbers_whatever_follows_them(version: str, numbers: tuple[int, ...]) -> None:
    assert numbers_of(version) == numbers
    assert not is_older(version, "1.34.145")


def test_versions_are_compared_by_number() -> None:
    assert is_older("1.9.9", "1.34.145")
    assert is_older("1.34.99", "1.34.145")
    assert is_older("1.34", "1.34.1")
    assert not is_older("1.34.145.0", "1.34.145")
    assert not is_older("1.35", "1.35.0") and not is_older("1.35.0", "1.35")
    assert not is_older("1.100", "1.34.145")
