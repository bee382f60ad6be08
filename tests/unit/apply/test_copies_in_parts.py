"""The steps of a copy in parts, on the fake S3: tags to the byte, what proves a guess, and what an upload is opened with."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from fake_s3 import LOST, MB
from runs_on_fake_s3 import World

from lambda_functions.shared.apply.multipart import CopiedPart, MultipartCopy, Upload
from lambda_functions.shared.apply.parts import Part
from lambda_functions.shared.errors import SourceChanged
from lambda_functions.shared.work_items import ToCopy

KMS = "aws:kms"
MD5_OF_A, MD5_OF_B = hashlib.md5(b"a").hexdigest(), hashlib.md5(b"b").hexdigest()
PARTS_ETAG = hashlib.md5(bytes.fromhex(MD5_OF_A + MD5_OF_B)).hexdigest() + "-2"


def copy_of(world: World, **options: Any) -> MultipartCopy:
    worker = world.worker(**options)
    return MultipartCopy(worker.clients, worker.run, world.to_copy("key"))


# --- Tags


def tags_of(characters: int) -> dict[str, str]:
    """Return ten tags that are so many characters as a query string: `0=vvv&1=vvv...`."""
    values = characters - (10 * len("0=") + 9 * len("&"))
    return {str(number): "v" * (values // 10 + (number < values % 10)) for number in range(10)}


@pytest.mark.parametrize(("characters", "puts"), [(2047, 0), (2048, 0), (2049, 1)])
def test_the_header_takes_2048_bytes_of_tags_and_what_is_longer_is_put_afterwards(
    world: World, characters: int, puts: int
) -> None:
    """S3 refuses a header that is longer, so the object would never be copied."""
    tags = tags_of(characters)
    world.source.put_parts("key", 5 * MB, 1, tags=tags)

    assert world.worker().copy(world.to_copy("key")).what == "copied"

    (opened,) = world.s3.of("CreateMultipartUpload")
    assert len(opened.asked.get("Tagging", "")) == (0 if puts else characters)
    assert len(world.s3.of("PutObjectTagging")) == puts
    assert world.destination.objects["key"].tags == tags


def test_long_tags_keep_those_without_a_value(world: World) -> None:
    tags = {**tags_of(2100), "0": ""}
    world.source.put_parts("key", 5 * MB, 1, tags={**tags, "1": "ü & =+%" * 20})

    assert world.worker().copy(world.to_copy("key")).what == "copied"

    assert len(world.s3.of("PutObjectTagging")) == 1
    assert world.destination.objects["key"].tags == {**tags, "1": "ü & =+%" * 20}


def test_an_object_without_tags_is_opened_without_them_and_nobody_asks_where_they_stay_behind(
    world: World,
) -> None:
    world.source.put_parts("key", 5 * MB, 1)
    assert world.worker().copy(world.to_copy("key")).what == "copied"
    assert "Tagging" not in world.s3.of("CreateMultipartUpload")[0].asked

    world.source.put_parts("key", 5 * MB, 2, tags={"a": "b"})
    assert world.worker(copyTags=False).copy(world.to_copy("key")).what == "copied"
    assert "Tagging" not in world.s3.of("CreateMultipartUpload")[1].asked
    assert len(world.s3.of("GetObjectTagging")) == 1
    assert world.destination.objects["key"].tags == {}


def test_long_tags_whose_answer_never_comes_are_a_failure_that_says_what_to_do(world: World) -> None:
    world.source.put_parts("key", 5 * MB, 1, tags=tags_of(2100))
    world.s3.before("PutObjectTagging", LOST, times=99)

    outcome = world.worker().copy(world.to_copy("key"))

    assert (outcome.what, outcome.size) == ("failed", 0)
    assert outcome.error.startswith("copied, but its tags were not: ConnectionClosedError: ")
    assert outcome.error.endswith(". The next run will not notice; tag the copy, or delete it")


# --- What proves that parts were guessed right


@pytest.mark.parametrize(
    ("source", "destination", "is_provable"),
    [("AES256", "AES256", True), (KMS, "AES256", False), ("AES256", KMS, False), (KMS, KMS, False)],
)
def test_etags_prove_a_guess_only_where_both_sides_have_md5s(
    world: World, source: str, destination: str, is_provable: bool
) -> None:
    """Taken for proof under KMS, a right guess would look wrong; not taken where it is one, a wrong guess would stay for ever."""
    world.source.encryption, world.destination.encryption = source, destination
    world.source.put_parts("key", 5 * MB, 1)
    copy = copy_of(world)

    assert copy.create_upload(copy.plan()).is_provable is is_provable


@pytest.mark.parametrize(
    ("checksum", "is_provable", "is_exact"),
    [
        (("SHA256", "COMPOSITE"), False, True),
        (("SHA256", "COMPOSITE"), True, False),
        (("CRC64NVME", "FULL_OBJECT"), False, False),
        (None, False, False),
    ],
)
def test_parts_are_asked_for_where_a_wrong_guess_would_go_unnoticed_and_the_copy_differ_for_ever(
    world: World, checksum: tuple[str, str] | None, is_provable: bool, is_exact: bool
) -> None:
    # 6 + 5 + 5 MB looks like 6 + 6 + 4.
    world.source.put_parts("key", 6 * MB, 5 * MB, 5 * MB, checksum=checksum)
    copy = copy_of(world)
    plan = copy.plan()
    assert plan.are_guessed

    made = copy.with_exact_parts(plan, Upload("u-1", is_provable))

    sizes = [6 * MB, 5 * MB, 5 * MB] if is_exact else [6 * MB, 6 * MB, 4 * MB]
    assert ([part.size for part in made.parts], made.are_guessed) == (sizes, not is_exact)
    exact = replace(plan, are_guessed=False)
    assert copy.with_exact_parts(exact, Upload("u-1", is_provable)) == exact


def test_an_object_in_one_piece_has_no_parts_to_be_asked_for(world: World) -> None:
    world.source.put("key", 6 * 1024 * MB, checksum="SHA256")
    worker = world.worker()
    item = replace(world.to_copy("key"), checksum=("SHA256", "COMPOSITE"))
    copy = MultipartCopy(worker.clients, worker.run, item)
    plan = replace(copy.plan(), are_guessed=True)

    assert copy.with_exact_parts(plan, Upload("u-1", False)) == plan


@pytest.mark.parametrize(
    ("is_provable", "listed", "expected"),
    [
        (True, PARTS_ETAG, True),
        (True, "0" * 32 + "-2", False),
        (False, "0" * 32 + "-2", True),
        (True, "0" * 32, True),
        (False, "0" * 32, True),
    ],
)
def test_copied_parts_that_give_another_etag_were_guessed_wrongly_unless_etags_cannot_tell(
    world: World, is_provable: bool, listed: str, expected: bool
) -> None:
    """An object in one piece has no ETag of parts, and under KMS no ETag tells anything."""
    worker = world.worker()
    copy = MultipartCopy(worker.clients, worker.run, ToCopy("key", listed, 2))
    copied = [CopiedPart(1, MD5_OF_A, {}), CopiedPart(2, MD5_OF_B, {})]

    assert copy.etag_matches(Upload("u-1", is_provable), copied) is expected


@pytest.mark.parametrize("exact", [False, True])
def test_a_source_that_is_another_object_by_now_is_not_planned(world: World, exact: bool) -> None:
    """Its parts and properties would be mixed with those of the object that was listed."""
    world.source.put_parts("key", 5 * MB, 1)
    copy = copy_of(world)
    world.source.put_parts("key", 5 * MB, 2)

    with pytest.raises(SourceChanged, match=r"^key$"):
        copy.plan(exact)

    assert len(world.s3.of("HeadObject")) == 2
    assert world.s3.of("GetObjectTagging") == world.s3.of("GetObjectAttributes") == []


# --- What is asked of an upload and of a part


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT", ""])
def test_an_upload_whose_checksum_our_client_cannot_carry_is_opened_without_any(
    world: World, kind: str
) -> None:
    """S3 would refuse a type without an algorithm, and complete no upload whose checksums of parts it is not told."""
    world.source.put_parts("key", 5 * MB, 1)
    copy = copy_of(world)
    copy = replace(copy, item=replace(copy.item, checksum=("HASH3000", kind)))

    copy.create_upload(copy.plan())

    (opened,) = world.s3.of("CreateMultipartUpload")
    assert [name for name in opened.asked if name.startswith("Checksum")] == []


@pytest.mark.parametrize("object_lock", ["none", "copy"])
def test_an_upload_is_opened_with_the_lock_of_its_source_where_that_is_to_be_copied(
    world: World, object_lock: str
) -> None:
    """Put on afterwards, it would leave a moment in which the copy can be deleted."""
    world.destination.has_object_lock = True
    hold = {"ObjectLockLegalHoldStatus": "ON"}
    world.source.put_parts("key", 5 * MB, 1, lock=hold, tags={"a": "b"})

    assert world.worker(objectLock=object_lock).copy(world.to_copy("key")).what == "copied"

    made = world.destination.objects["key"]
    assert (made.lock, made.tags) == (hold if object_lock == "copy" else {}, {"a": "b"})


def test_an_empty_part_is_uploaded_with_a_digest_of_nothing(world: World) -> None:
    """No range says no bytes; and where a lock is, S3 takes no part without a digest."""
    world.source.put_parts("key", 5 * MB, b"")

    assert world.worker().copy(world.to_copy("key")).what == "copied"

    (uploaded,) = world.s3.of("UploadPart")
    assert (uploaded.asked["PartNumber"], uploaded.asked["ContentMD5"]) == (2, "1B2M2Y8AsgTpgAmY7PhCfg==")
    assert world.destination.objects["key"].part_sizes == (5 * MB, 0)
    assert world.destination.objects["key"].etag == world.source.objects["key"].etag


def test_a_part_is_copied_of_the_object_that_was_listed_and_says_its_bytes(world: World) -> None:
    stored = world.source.put_parts("key", 5 * MB, 1)
    copy = copy_of(world)
    upload = copy.create_upload(copy.plan())

    copied = copy.copy_part(upload, Part(2, 5 * MB, 5 * MB))

    (request,) = world.s3.of("UploadPartCopy")
    assert request.asked["CopySourceRange"] == "bytes=5242880-5242880"
    assert request.asked["CopySourceIfMatch"] == f'"{stored.etag}"'
    assert (copied.number, copied.checksums) == (2, {})
    assert copied.for_completion() == {"PartNumber": 2, "ETag": f'"{copied.etag}"'}
