"""What a refused copy means: one look at both objects, on the fake S3, with nothing copied. Every row of the judgement.

S3 says of a condition that does not hold neither whose it was nor why, so a wrong reading here either overwrites what somebody
else has just written or calls it our copy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fake_s3 import HOUR
from runs_on_fake_s3 import Worker, World
from samples import client_error

from lambda_functions.shared.apply.conflicts import (
    NOT_AS_PLANNED,
    PERHAPS_OURS,
    Judgement,
    PartsMissing,
    Verdict,
    can_be_judged,
    judge,
    outcome_of_error,
)
from lambda_functions.shared.errors import SourceChanged, Stopped
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import AppliedPlan
from lambda_functions.shared.s3.heads import BucketMissing
from lambda_functions.shared.work_items import ToCopy

REFUSED = client_error(412, "PreconditionFailed", "CopyObject", "it changed")
CONFLICT = client_error(409, "ConditionalRequestConflict", "CopyObject", "somebody writes it")
DENIED = client_error(403, "AccessDenied", "CopyObject", "no")
THEIRS = "the destination was written by somebody else after it was listed"
VANISHED = "the source object was gone when it was to be copied"
LEFT_OUT = "the source object was replaced by one that the filters leave out"
KMS = "aws:kms"


def judged(worker: Worker, item: ToCopy, refusal: Exception = REFUSED) -> Judgement:
    return judge(worker.clients, worker.run, item, refusal)


def as_outcome(worker: Worker, item: ToCopy) -> tuple[Verdict, str, str]:
    found = judged(worker, item)
    return found.verdict, found.outcome.what, found.outcome.error


CHANGED = (Verdict.CHANGED, "changed", THEIRS)
UNKNOWN_WRITER = (Verdict.CHANGED, "changed", PERHAPS_OURS)
GONE = (Verdict.VANISHED, "vanished", VANISHED)
COPIED = (Verdict.COPIED, "copied", "")


# --- Nobody else was there


@pytest.mark.parametrize("was_there", [False, True])
def test_what_is_as_it_was_listed_is_tried_again_whether_the_copy_replaces_something_or_not(
    world: World, was_there: bool
) -> None:
    """A conflict names no culprit: while both sides are what they were, giving up would leave a key uncopied for nothing."""
    if was_there:
        world.destination.put("key", b"old", 2 * HOUR)
    world.source.put("key", b"new")
    item = world.to_copy("key")

    found = judged(world.worker(), item, CONFLICT)

    assert (found.verdict, found.item, found.outcome.what) == (Verdict.AGAIN, item, "failed")
    assert found.outcome.error.startswith("ConditionalRequestConflict: somebody writes it")


# --- Somebody else at the destination


@pytest.mark.parametrize("now", [b"their own", b"bye"])
def test_what_somebody_else_wrote_over_the_listed_object_is_never_overwritten(
    world: World, now: bytes
) -> None:
    world.destination.put("key", b"old", 2 * HOUR)
    world.source.put("key", b"new")
    item = world.to_copy("key")
    world.destination.put("key", now, 0)

    assert as_outcome(world.worker(), item) == CHANGED


def test_what_somebody_else_deleted_is_not_brought_back(world: World) -> None:
    world.destination.put("key", b"old", 2 * HOUR)
    world.source.put("key", b"new")
    item = world.to_copy("key")
    world.destination.delete("key")

    assert as_outcome(world.worker(), item) == CHANGED


def test_an_equal_object_from_before_the_run_is_somebody_elses(world: World) -> None:
    """Calling it our copy would count a copy that this run never made."""
    world.source.put("key", b"new", 2 * HOUR)
    item = world.to_copy("key")
    world.destination.put("key", b"new", 1)

    assert as_outcome(world.worker(), item) == CHANGED


# --- An earlier try of ours, whose answer was lost


def test_the_listed_etag_written_since_the_run_began_is_our_own_copy(world: World) -> None:
    world.source.put("key", b"new")
    item = world.to_copy("key")
    world.destination.put("key", b"new", 0)

    assert judged(world.worker(), item).outcome == Outcome("key", "copied", 3)


# The source was uploaded in parts or in one, either side is encrypted or not: only where both sides' ETags are MD5s of the parts
# do they tell that an object in parts is another one. Else a checksum of the same bytes proves that it is the copy.
@pytest.mark.parametrize(
    ("source", "destination"), [(KMS, "AES256"), ("AES256", KMS), (KMS, KMS)], ids=lambda one: one
)
@pytest.mark.parametrize("in_parts", [True, False])
def test_a_checksum_proves_our_own_copy_where_etags_cannot(
    world: World, source: str, destination: str, in_parts: bool
) -> None:
    world.source.encryption, world.destination.encryption = source, destination
    put_source(world, in_parts, checksum=True)
    item = world.to_copy("key")
    world.destination.put_parts("key", b"ne", b"w!", age_seconds=0, checksum=("CRC64NVME", "FULL_OBJECT"))

    assert as_outcome(world.worker(), item) == COPIED


def test_a_copy_in_parts_of_a_source_in_one_piece_is_proved_by_its_checksum(world: World) -> None:
    """As objects are copied that are too large for one CopyObject: their ETags differ although nothing is encrypted."""
    put_source(world, in_parts=False, checksum=True)
    item = world.to_copy("key")
    world.destination.put_parts("key", b"ne", b"w!", age_seconds=0, checksum=("CRC64NVME", "FULL_OBJECT"))

    assert as_outcome(world.worker(), item) == COPIED


def test_other_parts_of_the_same_bytes_are_somebody_elses_where_etags_tell(world: World) -> None:
    put_source(world, in_parts=True, checksum=True)
    item = world.to_copy("key")
    world.destination.put_parts("key", b"n", b"ew!", age_seconds=0, checksum=("CRC64NVME", "FULL_OBJECT"))

    assert as_outcome(world.worker(), item) == CHANGED


@pytest.mark.parametrize(
    ("source", "destination"), [(KMS, "AES256"), ("AES256", KMS), (KMS, KMS)], ids=lambda one: one
)
@pytest.mark.parametrize("in_parts", [True, False])
def test_where_nothing_can_prove_whose_it_is_the_report_says_so(
    world: World, source: str, destination: str, in_parts: bool
) -> None:
    """It may be ours, so "somebody else" would be a guess; it may be theirs, so "copied" would be one too."""
    world.source.encryption, world.destination.encryption = source, destination
    put_source(world, in_parts)
    item = world.to_copy("key")
    world.destination.put("key", b"also", 0)

    assert as_outcome(world.worker(), item) == UNKNOWN_WRITER


@pytest.mark.parametrize("theirs", [b"longer than ours", b"l"])
def test_another_size_is_another_object_even_where_nothing_else_can_tell(world: World, theirs: bytes) -> None:
    world.source.encryption = world.destination.encryption = KMS
    put_source(world, in_parts=False)
    item = world.to_copy("key")
    world.destination.put("key", theirs, 0)

    assert as_outcome(world.worker(), item) == CHANGED


def test_what_was_listed_at_the_destination_is_nobodys_new_object(world: World) -> None:
    """The destination was written in the second in which the run began, and listed after that."""
    world.source.encryption = world.destination.encryption = KMS
    world.destination.put("key", b"old!", 0)
    put_source(world, in_parts=False)
    item = world.to_copy("key")

    assert as_outcome(world.worker(), item)[:2] == (Verdict.AGAIN, "failed")


def put_source(world: World, in_parts: bool, checksum: bool = False) -> None:
    if in_parts:
        kind = {"checksum": ("CRC64NVME", "FULL_OBJECT")} if checksum else {}
        world.source.put_parts("key", b"ne", b"w!", **kind)
    else:
        world.source.put("key", b"new!", **({"checksum": "CRC64NVME"} if checksum else {}))


# --- A source that moved on


def test_a_source_that_is_gone_is_vanished_whoever_writes_its_destination(world: World) -> None:
    """Of two things that happened at once, the source decides; no error may hide it."""
    world.source.put("key", b"new")
    item = world.to_copy("key")
    world.source.delete("key")

    assert as_outcome(world.worker(), item) == GONE
    world.destination.put("key", b"old", 0)
    assert as_outcome(world.worker(), item) == GONE


def test_a_404_of_a_source_whose_bucket_is_gone_is_no_vanished_object(world: World) -> None:
    """Whole buckets that disappear are never taken for objects that somebody deleted one by one."""
    world.source.put("key", b"new")
    item, worker = world.to_copy("key"), world.worker()
    del world.s3.buckets[world.source.name]

    with pytest.raises(BucketMissing):
        judged(worker, item)


@pytest.mark.parametrize("algorithm", ["CRC64NVME", "CRC32C", "CRC32", "SHA256", "SHA1"])
def test_a_source_that_changed_is_tried_as_it_is_now_with_its_own_checksum(
    world: World, algorithm: str
) -> None:
    """An upload opened with a checksum that the source does not have would be refused at its end, or prove nothing later."""
    world.destination.put("key", b"old", 2 * HOUR)
    world.source.put("key", b"new")
    item = world.to_copy("key")
    now = world.source.put("key", b"newer", 0, checksum=algorithm, storage_class="STANDARD_IA")

    found = judged(world.worker(), item)

    assert found.item == replace(
        item,
        etag=now.etag,
        size=5,
        storage_class="STANDARD_IA",
        checksum=(algorithm, "FULL_OBJECT"),
    )
    assert (found.verdict, found.outcome.what) == (Verdict.AGAIN, "changed")
    assert found.outcome.error == "the source changed 3 times while it was read"


def test_a_source_that_changed_and_has_no_checksum_is_tried_without_one(world: World) -> None:
    world.source.put("key", b"new", checksum="SHA256")
    item = world.to_copy("key")
    world.source.put("key", b"newer", 0)

    assert judged(world.worker(), item).item.checksum is None


@pytest.mark.parametrize("checksum", ["CRC64NVME", None])
@pytest.mark.parametrize("compares", [True, False])
def test_an_object_that_may_be_a_copy_of_what_the_source_is_now_is_none_of_ours(
    world: World, checksum: str | None, compares: bool
) -> None:
    """This run has only tried to copy what was listed, so it goes on to what the source is now, and counts nothing as its own."""
    world.source.encryption = world.destination.encryption = KMS
    world.source.put("key", b"new!", checksum=checksum)
    item = world.to_copy("key")
    world.source.put("key", b"more", 0, checksum=checksum)
    world.destination.put("key", b"more", 0, checksum=checksum)

    assert judged(world.worker(compareMetadata=compares), item).verdict is Verdict.AGAIN


def test_a_run_of_an_approved_plan_copies_nothing_that_was_not_in_it(world: World) -> None:
    """What was shown is what is done: the new object is for the next dry run."""
    world.source.put("key", b"new")
    item, worker = world.to_copy("key"), world.worker()
    planned = replace(worker, run=replace(worker.run, plan=AppliedPlan("runs/sync/dry", "0" * 64, ())))
    world.source.put("key", b"newer", 0)

    assert as_outcome(planned, item) == (Verdict.CHANGED, "changed", NOT_AS_PLANNED)


def test_a_plans_source_that_is_as_planned_is_tried_again(world: World) -> None:
    world.source.put("key", b"new")
    item, worker = world.to_copy("key"), world.worker()
    planned = replace(worker, run=replace(worker.run, plan=AppliedPlan("runs/sync/dry", "0" * 64, ())))

    assert as_outcome(planned, item)[:2] == (Verdict.AGAIN, "failed")


def test_a_source_that_has_only_moved_to_a_class_that_the_filters_leave_out_is_still_the_one_that_was_planned(
    world: World,
) -> None:
    """A lifecycle rule may move it at any time; called replaced, it would be no failure, and the run green without its copy."""
    world.source.put("key", b"new")
    item, worker = world.to_copy("key"), world.worker(storageClasses=["STANDARD"])
    world.source.put("key", b"new", storage_class="GLACIER_IR")

    assert as_outcome(worker, item)[:2] == (Verdict.AGAIN, "failed")


def test_a_source_replaced_by_what_the_filters_leave_out_is_not_copied(world: World) -> None:
    world.source.put("key", b"new")
    item, worker = world.to_copy("key"), world.worker(maxSize=4)
    assert as_outcome(worker, item)[0] is Verdict.AGAIN

    world.source.put("key", b"newer", 0)
    assert as_outcome(worker, item) == (Verdict.VANISHED, "vanished", LEFT_OUT)
    world.source.put("key", b"newe", 0)
    assert as_outcome(worker, item)[:2] == (Verdict.AGAIN, "changed")


# --- Metadata of what may be our own copy


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({}, Verdict.CHANGED),
        ({"compareMetadata": "all"}, Verdict.CHANGED),
        ({"compareMetadata": False}, Verdict.COPIED),
    ],
)
def test_the_same_bytes_with_other_metadata_are_our_copy_only_where_metadata_does_not_count(
    world: World, options: dict[str, Any], verdict: Verdict
) -> None:
    world.source.put("key", b"new", metadata={"of": "ours"})
    item = world.to_copy("key")
    world.destination.put("key", b"new", 0, metadata={"of": "theirs"})

    assert judged(world.worker(**options), item).verdict is verdict


@pytest.mark.parametrize("is_gone", [True, False])
@pytest.mark.parametrize("compares", [True, False])
def test_metadata_that_a_source_had_and_has_no_more_is_unknown(
    world: World, is_gone: bool, compares: bool
) -> None:
    """Only where nobody compares metadata do the bytes alone prove that the copy is right."""
    world.source.put("key", b"new")
    item = world.to_copy("key")
    world.destination.put("key", b"new", 0)
    if is_gone:
        world.source.delete("key")
    else:
        world.source.put("key", b"newer", 0)

    unknown = Verdict.VANISHED if is_gone else Verdict.AGAIN
    assert judged(world.worker(compareMetadata=compares), item).verdict is (
        unknown if compares else Verdict.COPIED
    )


# --- Which errors are judged at all


@pytest.mark.parametrize("error", [REFUSED, CONFLICT, SourceChanged("key"), PartsMissing("why", "failed")])
def test_a_refusal_is_judged(world: World, error: Exception) -> None:
    item, worker = ToCopy("key", "etag", 1), world.worker()

    assert can_be_judged(worker.clients, worker.run, item, error)


@pytest.mark.parametrize("error", [client_error(500, "InternalError", "CopyObject"), OSError("lost"), DENIED])
def test_an_error_that_says_nothing_of_the_objects_is_not(world: World, error: Exception) -> None:
    item, worker = ToCopy("key", "etag", 1), world.worker()

    assert not can_be_judged(worker.clients, worker.run, item, error)


def test_a_denied_copy_is_judged_only_where_a_listing_shows_that_its_source_is_gone(world: World) -> None:
    """Who may list one prefix only gets 403 for what is not there."""
    world.source.put("in/there", b"1")
    worker = world.worker(prefix="in/")
    there, gone = ToCopy("there", "etag", 1), ToCopy("gone", "etag", 1)

    assert not can_be_judged(worker.clients, worker.run, there, DENIED)
    assert can_be_judged(worker.clients, worker.run, gone, DENIED)


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (Stopped("stopped"), "stopped"),
        (client_error(403, "InvalidObjectState", "CopyObject"), "archived"),
        (DENIED, "failed"),
        (OSError("lost"), "failed"),
    ],
)
def test_an_error_that_is_no_refusal_has_an_outcome_of_its_own(error: Exception, what: str) -> None:
    outcome = outcome_of_error(ToCopy("key", "etag", 1), error)

    assert (outcome.key, outcome.what, outcome.size) == ("key", what, 0)
    assert outcome.error
