"""Parts that one size does not explain: asked for side by side, replaced by parts of our own where their numbers have gaps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from fake_s3 import MB, Answer, Request
from installed_botocore import carries
from runs_on_fake_s3 import World

from lambda_functions.shared.apply import parts
from lambda_functions.shared.apply.parts import exact_parts


def has_not(*numbers: int) -> Callable[[Request], Answer | None]:
    """Return what S3 says of an object whose parts have not got these numbers."""

    def refuse(request: Request) -> Answer | None:
        return Answer(416, "InvalidPartNumber") if request.asked.get("PartNumber") in numbers else None

    return refuse


@pytest.mark.parametrize("missing", [(2, 4), (1, 3), (1, 2, 3)])
@pytest.mark.parametrize("encryption", ["AES256", "aws:kms"])
def test_parts_whose_numbers_have_gaps_are_copied_in_parts_of_our_own(
    world: World, missing: tuple[int, ...], encryption: str
) -> None:
    world.destination.encryption = encryption
    stored = world.source.put_parts("k", 6 * MB, 5 * MB, 1, metadata={"a": "b"})
    world.s3.before("HeadObject", has_not(*missing), times=1000)
    assert world.run()["outcome"] == "Succeeded"
    copied = world.destination.objects["k"]
    assert (copied.content, copied.metadata) == (stored.content, {"a": "b"})
    assert world.destination.open_uploads() == []


def test_a_copy_in_parts_of_our_own_counts_as_unprovable_in_the_next_run(world: World) -> None:
    world.source.put_parts("k", 6 * MB, 5 * MB, 1)
    world.s3.before("HeadObject", has_not(2, 4), times=1000)
    world.run()
    report = world.run(unprovable="keep")
    assert (report["copied"]["objects"], report["unprovable"]["objects"]) == (0, 1)


def test_a_copy_in_parts_of_our_own_is_equal_where_checksums_tell(world: World) -> None:
    world.source.put_parts("k", 6 * MB, 5 * MB, 1, checksum=("CRC64NVME", "FULL_OBJECT"))
    world.source.alter("k", part_checksums=())
    world.s3.before("HeadObject", has_not(2, 4), times=1000)
    world.run()
    report = world.run()
    if carries("CRC64NVME", "FULL_OBJECT"):
        assert (report["copied"]["objects"], report["unprovable"]["objects"]) == (0, 0)
    else:
        assert report["unprovable"]["objects"] == 1


def test_an_empty_part_that_is_not_number_one_is_copied_as_an_empty_part(world: World) -> None:
    stored = world.source.put_parts("k", 0)
    world.s3.before("HeadObject", has_not(1), times=1000)
    worker = world.worker()
    assert exact_parts(worker.clients, worker.run, world.to_copy("k"), 1) == parts.from_sizes([0])
    assert world.run()["outcome"] == "Succeeded"
    assert world.destination.objects["k"].content == stored.content


def test_an_object_that_was_written_anew_with_fewer_parts_is_read_again(world: World) -> None:
    world.source.put_parts("k", 6 * MB, 5 * MB, 1)
    line = world.to_copy("k")
    world.s3.before("HeadObject", lambda _: write_anew(world), nth=3)
    assert world.worker().copy(line).what == "copied"
    assert world.destination.contents() == world.source.contents()


def write_anew(world: World) -> None:
    world.source.put_parts("k", 7 * MB)


def test_the_sizes_of_unequal_parts_are_asked_for_side_by_side(world: World) -> None:
    sizes = [6 * MB, *[5 * MB] * 6, 1]
    world.source.put_parts("k", *sizes)
    worker, line = world.worker(), world.to_copy("k")
    together = threading.Barrier(len(sizes), timeout=20)  # breaks unless all are asked for at the same time

    def head_part(clients: Any, run: Any, item: Any, number: int) -> dict[str, Any]:
        together.wait()
        return {"ETag": line.etag, "ContentLength": sizes[number - 1]}

    with mock.patch.object(parts, "head_part", head_part):
        found = exact_parts(worker.clients, worker.run, line, len(sizes))
    assert [part.size for part in found] == sizes
