"""Asking a source what it is made of, on the fake S3: which answers are taken for another one, and which are errors."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from fake_s3 import MB, Answer, Request
from runs_on_fake_s3 import World

from lambda_functions.shared.apply.parts import exact_parts, guess_parts, head_first_part
from lambda_functions.shared.errors import SourceChanged
from lambda_functions.shared.work_items import ToCopy

DENIED = Answer(403, "AccessDenied", "Access Denied")


def asked_parts(world: World) -> list[int | None]:
    return [request.asked.get("PartNumber") for request in world.s3.of("HeadObject")]


@pytest.mark.parametrize(("count", "asked"), [(2, [1]), (1, [1]), (None, [None])])
def test_the_first_part_is_asked_for_of_an_object_that_has_parts(
    world: World, count: int | None, asked: list[int | None]
) -> None:
    stored = world.source.put_parts("key", 5 * MB, 1)
    worker = world.worker()

    answer = head_first_part(worker.clients, worker.run, world.to_copy("key"), count)

    assert answer["ContentLength"] == (5 * MB if count else stored.size)
    assert asked_parts(world) == asked


def test_an_object_without_a_part_of_that_number_is_asked_for_as_a_whole(world: World) -> None:
    """It may have been written anew, in one piece, or its parts be numbered 2, 3, 5."""
    world.source.put_parts("key", 5 * MB, 1)
    world.s3.before("HeadObject", Answer(416, "InvalidPartNumber"))
    worker = world.worker()

    answer = head_first_part(worker.clients, worker.run, world.to_copy("key"), 2)

    assert (answer["ContentLength"], asked_parts(world)) == (5 * MB + 1, [1, None])


@pytest.mark.parametrize(
    ("answer", "count"),
    [(DENIED, 2), (Answer(404, "NoSuchKey"), 2), (DENIED, None), (Answer(416, "x"), None)],
)
def test_any_other_error_is_no_reason_to_ask_again(world: World, answer: Answer, count: int | None) -> None:
    world.source.put_parts("key", 5 * MB, 1)
    world.s3.before("HeadObject", answer)
    worker = world.worker()

    with pytest.raises(ClientError):
        head_first_part(worker.clients, worker.run, world.to_copy("key"), count)

    assert len(asked_parts(world)) == 1


@pytest.mark.parametrize(
    ("etag", "answer", "sizes"),
    [
        ("e-3", {"PartsCount": 3, "ContentLength": 5}, [5, 5, 1]),
        ("e-3", {"PartsCount": 2, "ContentLength": 5}, None),
        ("e-3", {"ContentLength": 5}, None),
        ("e-3", {"PartsCount": 3, "ContentLength": 6}, None),
        ("e-1", {"PartsCount": 1, "ContentLength": 11}, [11]),
        ("e" * 32, {"ContentLength": 11}, None),
    ],
)
def test_parts_are_guessed_only_where_those_of_the_first_ones_size_would_be_as_many(
    etag: str, answer: dict[str, int], sizes: list[int] | None
) -> None:
    found = guess_parts(ToCopy("key", etag, 11), answer)

    assert (found and [part.size for part in found]) == sizes


@pytest.mark.parametrize("checksum", [("SHA256", "COMPOSITE"), None])
@pytest.mark.parametrize("now", [[6 * MB, 5 * MB, 4 * MB], [8 * MB, 8 * MB]])
def test_exact_parts_of_another_object_are_never_mixed_with_those_of_the_one_that_was_listed(
    world: World, checksum: tuple[str, str] | None, now: list[int]
) -> None:
    world.source.put_parts("key", 6 * MB, 5 * MB, 5 * MB, checksum=checksum)
    item, worker = world.to_copy("key"), world.worker()
    assert [part.size for part in exact_parts(worker.clients, worker.run, item, 3)] == [
        6 * MB,
        5 * MB,
        5 * MB,
    ]

    world.source.put_parts("key", *now, checksum=checksum)

    with pytest.raises(SourceChanged, match=r"^it was written anew while its \d\. part was asked for$"):
        exact_parts(worker.clients, worker.run, item, 3)


def test_a_part_that_may_not_be_asked_for_is_an_error_and_no_gap(world: World) -> None:
    """Taken for a gap, it would make the copy one of other parts, with another ETag, for ever."""
    world.source.put_parts("key", 6 * MB, 5 * MB, 5 * MB)
    item, worker = world.to_copy("key"), world.worker()
    world.s3.before("HeadObject", DENIED, nth=2)

    with pytest.raises(ClientError, match="403"):
        exact_parts(worker.clients, worker.run, item, 3)


def test_parts_whose_numbers_have_gaps_become_parts_of_our_own(world: World) -> None:
    world.source.put_parts("key", 6 * MB, 5 * MB, 5 * MB)
    item, worker = world.to_copy("key"), world.worker()
    world.s3.before("HeadObject", Answer(416, "InvalidPartNumber"), nth=3)

    assert [part.size for part in exact_parts(worker.clients, worker.run, item, 3)] == [16 * MB]
    assert len(world.s3.of("HeadObject")) == 3 + 1


def test_an_object_that_has_fewer_parts_by_now_is_another_one(world: World) -> None:
    world.source.put_parts("key", 6 * MB, 5 * MB, 5 * MB)
    item, worker = world.to_copy("key"), world.worker()
    world.source.put_parts("key", 6 * MB, 10 * MB)

    def has_no_parts(request: Request) -> Answer | None:
        return Answer(416, "InvalidPartNumber") if "PartNumber" in request.asked else None

    world.s3.before("HeadObject", has_no_parts, times=99)

    with pytest.raises(SourceChanged, match=r"^it does not have 3 parts any more$"):
        exact_parts(worker.clients, worker.run, item, 3)


def test_a_list_of_parts_that_names_none_has_no_other_page(world: World) -> None:
    """S3 knows how many there are of an object without checksums, and no sizes; asked on, it would say so for ever."""
    world.source.put_parts("key", 6 * MB, 5 * MB, 5 * MB)
    item, worker = world.to_copy("key"), world.worker()
    nothing = {"ObjectParts": {"TotalPartsCount": 3, "IsTruncated": True, "NextPartNumberMarker": 0}}
    world.s3.before("GetObjectAttributes", lambda request: nothing, times=3)

    assert [part.size for part in exact_parts(worker.clients, worker.run, item, 3)] == [
        6 * MB,
        5 * MB,
        5 * MB,
    ]

    assert len(world.s3.of("GetObjectAttributes")) == 1


def test_parts_are_asked_for_page_by_page(world: World) -> None:
    """GetObjectAttributes tells of 1,000 parts at once."""
    sizes = [5 * MB + number for number in range(1001)]
    world.source.put_parts("key", *sizes, checksum=("CRC32", "COMPOSITE"))
    item, worker = world.to_copy("key"), world.worker()
    # Whoever asks for the first page again and again ends there.
    world.s3.before("GetObjectAttributes", DENIED, nth=3)

    assert [part.size for part in exact_parts(worker.clients, worker.run, item, 1001)] == sizes

    markers = [request.asked["PartNumberMarker"] for request in world.s3.of("GetObjectAttributes")]
    assert (markers, asked_parts(world)) == ([0, 1000], [])
