"""Objects that keys of KMS encrypt: their ETags are no MD5s and new with every write, so checksums decide or nothing does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_s3 import HOUR, LOST, MB, Content, Request
from installed_botocore import carries
from runs_on_fake_s3 import World, world_on_fake_s3

from lambda_functions.shared.outcomes import Outcome

THEIRS = "the destination was written by somebody else after it was listed"
PERHAPS_OURS = "the destination has a new object of the same size; nothing can prove whether this run or somebody else wrote it"
COMPOSITE = ("SHA256", "COMPOSITE")
WHOLE = ("CRC64NVME", "FULL_OBJECT")


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world whose destination encrypts with KMS."""
    with world_on_fake_s3() as one:
        one.destination.encryption = "aws:kms"
        yield one


def same(world: World, key: str) -> bool:
    return world.source.objects[key].content == world.destination.objects[key].content


# --- The next run


@pytest.mark.parametrize("source_encryption", ["AES256", "aws:kms"])
def test_a_copy_with_a_checksum_is_proved_equal_by_the_next_run(world: World, source_encryption: str) -> None:
    world.source.put("key", b"1", checksum="CRC64NVME", encryption=source_encryption)
    assert world.run()["copied"]["objects"] == 1
    world.s3.sent.clear()

    report = world.run()

    assert (report["current"]["objects"], report["unprovable"]["objects"]) == (1, 0)
    assert world.sent() == {"HEAD": 2, "HEAD_BUCKET": 2, "LIST": 2}


@pytest.mark.parametrize(("unprovable", "copied"), [("copy", 1), ("keep", 0)])
def test_a_copy_without_a_checksum_is_unprovable_and_the_user_chooses(
    world: World, unprovable: str, copied: int
) -> None:
    world.source.put("key", b"1")
    world.run()

    report = world.run(unprovable=unprovable)

    assert report["outcome"] == "Succeeded"
    assert (report["unprovable"]["objects"], report["copied"]["objects"]) == (1, copied)


@pytest.mark.parametrize("checksum", [COMPOSITE, WHOLE])
def test_an_object_of_parts_with_a_checksum_is_proved_equal_by_the_next_run(
    world: World, checksum: tuple[str, str]
) -> None:
    world.source.put_parts("key", 5 * MB, 5 * MB, 1, checksum=checksum, encryption="aws:kms")
    assert world.run()["copied"]["objects"] == 1

    report = world.run()

    if carries(*checksum):
        assert (report["current"]["objects"], report["unprovable"]["objects"]) == (1, 0)
        assert world.destination.objects["key"].checksum == world.source.objects["key"].checksum
    else:
        assert report["unprovable"]["objects"] == 1


@pytest.mark.parametrize("source_encryption", ["AES256", "aws:kms"])
def test_parts_that_look_alike_and_are_not_are_asked_for_where_a_checksum_of_them_would_differ_for_ever(
    world: World, source_encryption: str
) -> None:
    # Three parts, the first of 6 MB, 16 MB in all: that looks like 6 + 6 + 4. ETags under KMS cannot tell.
    sizes = (6 * MB, 5 * MB, 5 * MB)
    world.source.put_parts("key", *sizes, checksum=COMPOSITE, encryption=source_encryption)

    assert world.run()["copied"]["objects"] == 1

    assert world.destination.objects["key"].part_sizes == sizes
    assert world.run()["current"]["objects"] == 1
    assert world.sent()["UPLOAD_PART_COPY"] == 3


def test_an_object_that_changed_is_noticed_by_its_checksum(world: World) -> None:
    world.source.put("key", b"one", checksum="SHA256")
    world.run()
    world.source.put("key", b"two", checksum="SHA256", age_seconds=2 * HOUR)

    assert world.run()["copied"]["objects"] == 1

    assert same(world, "key")


def test_a_copy_out_of_kms_is_proved_equal_by_its_checksum(world: World) -> None:
    world.destination.encryption = "AES256"
    world.source.put("key", b"1", checksum="CRC32", encryption="aws:kms")
    world.run()

    assert world.run()["current"]["objects"] == 1


def test_a_source_that_changed_while_it_was_read_is_copied_with_the_checksum_that_it_has_now(
    world: World,
) -> None:
    world.source.put_parts("key", 5 * MB, 1, checksum=COMPOSITE)

    def change(request: Request) -> None:
        world.source.put_parts("key", 5 * MB, 2, checksum=WHOLE)

    world.s3.before("CreateMultipartUpload", change)
    assert world.run()["copied"]["objects"] == 1

    report = world.run()

    if carries(*WHOLE):
        assert (report["current"]["objects"], report["unprovable"]["objects"]) == (1, 0)
    else:
        assert report["unprovable"]["objects"] == 1


# --- Our own first try


def test_a_lost_copy_with_a_checksum_is_met_again_and_counts_as_copied(world: World) -> None:
    world.source.put("key", b"1", checksum="CRC64NVME")
    item, worker = world.to_copy("key"), world.worker()
    world.s3.after("CopyObject", LOST)

    assert worker.copy(item) == Outcome("key", "copied", 1)

    assert world.sent() == {"COPY": 2, "HEAD": 2}


@pytest.mark.parametrize("unprovable", ["copy", "keep"])
def test_a_lost_copy_without_a_checksum_cannot_be_told_from_another_writers_and_is_changed(
    world: World, unprovable: str
) -> None:
    world.source.put("key", b"1")
    item, worker = world.to_copy("key"), world.worker(unprovable=unprovable)
    world.s3.after("CopyObject", LOST)

    assert worker.copy(item) == Outcome("key", "changed", 0, PERHAPS_OURS)

    assert same(world, "key")
    assert world.sent() == {"COPY": 2, "HEAD": 2}


def test_the_run_after_one_whose_copy_was_lost_makes_it_again(world: World) -> None:
    world.source.put("key", b"1")
    world.s3.after("CopyObject", LOST)
    assert world.run()["changed"]["objects"] == 1

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 1)


@pytest.mark.parametrize("unprovable", ["copy", "keep"])
def test_an_object_of_the_same_size_that_somebody_else_wrote_is_never_overwritten_nor_called_copied(
    world: World, unprovable: str
) -> None:
    world.source.put("key", b"1")
    world.s3.before("CopyObject", lambda request: world.destination.put("key", b"2", 0) and None)

    report = world.run(unprovable=unprovable)

    assert (report["outcome"], report["copied"]["objects"]) == ("SyncIncomplete", 0)
    assert report["notSynchronised"] == [{"key": "key", "what": "changed", "error": PERHAPS_OURS}]
    assert world.destination.contents() == {"key": Content.of(b"2")}


@pytest.mark.parametrize("checksum", [COMPOSITE, WHOLE])
def test_a_lost_complete_is_proved_by_the_checksum_of_the_parts(
    world: World, checksum: tuple[str, str]
) -> None:
    world.source.put_parts("key", 5 * MB, 1, checksum=checksum)
    item, worker = world.to_copy("key"), world.worker()
    world.s3.after("CompleteMultipartUpload", LOST)

    is_proved = carries(*checksum)
    copied, unknown = Outcome("key", "copied", 5 * MB + 1), Outcome("key", "changed", 0, PERHAPS_OURS)
    assert worker.copy(item) == (copied if is_proved else unknown)

    assert len(world.s3.of("CreateMultipartUpload")) == 1


@pytest.mark.parametrize(("checksum", "theirs"), [("CRC64NVME", b"2"), (None, b"22")])
def test_another_object_of_somebody_else_is_changed_and_stays(
    world: World, checksum: str | None, theirs: bytes
) -> None:
    world.source.put("key", b"1", checksum=checksum)
    item, worker = world.to_copy("key"), world.worker()
    world.destination.put("key", theirs, 0, checksum=checksum)

    assert worker.copy(item) == Outcome("key", "changed", 0, THEIRS)


def test_what_stood_there_before_the_run_is_never_taken_for_our_own(world: World) -> None:
    world.source.put("key", b"1")
    item = world.to_copy("key")
    world.destination.put("key", b"1", 5)

    assert world.worker().copy(item) == Outcome("key", "changed", 0, THEIRS)


# --- Parts


@pytest.mark.parametrize("into", ["AES256", "aws:kms"])
@pytest.mark.parametrize("sizes", [(5 * MB, 5 * MB, 1), (6 * MB, 5 * MB, 5 * MB)])
@pytest.mark.parametrize("source_encryption", ["AES256", "aws:kms"])
def test_guessed_parts_are_copied_once_where_etags_can_tell_nothing(
    world: World, source_encryption: str, sizes: tuple[int, ...], into: str
) -> None:
    world.destination.encryption = into
    world.source.put_parts("key", *sizes, encryption=source_encryption)

    assert world.worker().copy(world.to_copy("key")).what == "copied"

    # Only where both ETags are of MD5s does a wrong guess show, and is the copy then made with the true parts.
    is_shown = (source_encryption, into) == ("AES256", "AES256") and sizes[0] == 6 * MB
    assert len(world.s3.of("UploadPartCopy")) == (6 if is_shown else 3)
    assert same(world, "key")
    assert world.destination.open_uploads() == []


def test_orphans_under_kms_are_deleted_by_their_etags(world: World) -> None:
    world.destination.put("a", b"1")
    world.destination.put("b", b"1")
    items = [world.orphan("a"), world.orphan("b")]
    world.destination.put("b", b"1")  # the same bytes, yet another ETag

    assert [outcome.what for outcome in world.worker().delete(items)] == ["deleted", "changed"]
