"""A refused request is first read, then judged: was it our own earlier try, another writer, or a source that moved on?

S3 answers 412, 409 or 404 to a condition that does not hold, and does not say whose. Looking at both objects does.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lambda_functions.shared.equality import Decision, judge_checksums, judge_heads
from lambda_functions.shared.errors import SourceChanged, Stopped, SyncError, explain, is_archived, is_refusal
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run, source_filter
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.etags import CHECKSUMS, etag_of, is_plain, part_count, same_etag
from lambda_functions.shared.s3.heads import head_object, is_proved_missing, require_bucket
from lambda_functions.shared.s3.listing import Entry
from lambda_functions.shared.work_items import ToCopy

# How often an object is tried whose source changes while it is read, or whose writers are in each other's way.
MAX_TRIES = 3

PERHAPS_OURS = "the destination has a new object of the same size; nothing can prove whether this run or somebody else wrote it"
# What was approved is the object that was planned; the one that is there now is for the next dry run.
NOT_AS_PLANNED = "the source changed after it was planned"
Head = Mapping[str, Any]


class PartsMissing(SyncError):
    """Some part of a very large object was not copied; `what` is the outcome that this would be for the object."""

    def __init__(self, why: str, what: str) -> None:
        super().__init__(why)
        self.what = what


class Verdict(enum.Enum):
    """What a refused copy turns out to be."""

    COPIED = "copied"  # by an earlier try of ours
    VANISHED = "vanished"
    AGAIN = "again"  # with the object of the judgement
    CHANGED = "changed"


@dataclass(frozen=True)
class Judgement:
    """A verdict, the object to go on with, and the outcome if nothing more is tried."""

    verdict: Verdict
    item: ToCopy
    outcome: Outcome


def can_be_judged(clients: Clients, run: Run, item: ToCopy, error: Exception) -> bool:
    """Whether looking at both objects tells what an error of a copy means; a denied one does where its source is proved gone."""
    if is_refusal(error) or isinstance(error, SourceChanged | PartsMissing):
        return True
    return is_proved_missing(clients.source, run.source, item.key, error)


def judge(clients: Clients, run: Run, item: ToCopy, refusal: Exception) -> Judgement:
    """Return what the refused copy of this object means; raises what its own HEAD requests raise.

    Raises `BucketMissing` where the source bucket itself is gone, which answers 404 as well.
    """
    source = head_object(clients.source, run.source, item.key)
    destination = head_object(clients.destination, run.destination, item.key)
    own = _own_earlier_try(run, item, source, destination)
    if own:
        return own
    if source is None:
        require_bucket(clients.source, run.source)
        why = "the source object was gone when it was to be copied"
        return _judgement(Verdict.VANISHED, item, "vanished", why)
    if etag_of(source) != item.etag and run.plan:
        return _judgement(Verdict.CHANGED, item, "changed", NOT_AS_PLANNED)
    if etag_of(source) != item.etag and _is_left_out(run, item, source):
        why = "the source object was replaced by one that the filters leave out"
        return _judgement(Verdict.VANISHED, item, "vanished", why)
    if etag_of(source) != item.etag:
        why = f"the source changed {MAX_TRIES} times while it was read"
        return _judgement(Verdict.AGAIN, _as_it_is_now(item, source), "changed", why)
    if item.replaces_etag == (destination and etag_of(destination)):
        return _judgement(Verdict.AGAIN, item, "failed", explain(refusal))
    why = "the destination was written by somebody else after it was listed"
    return _judgement(Verdict.CHANGED, item, "changed", why)


def outcome_of_error(item: ToCopy, error: Exception) -> Outcome:
    """Return the outcome of an object whose copy ended in an error that is no refusal."""
    what = "stopped" if isinstance(error, Stopped) else "archived" if is_archived(error) else "failed"
    return Outcome(item.key, what, 0, explain(error))


def _is_left_out(run: Run, item: ToCopy, source: Head) -> bool:
    """Whether filters leave out what the source is now."""
    is_left_out = source_filter(run.options)
    if is_left_out is None:
        return False
    now = _as_it_is_now(item, source)
    return is_left_out(Entry(now.key, now.etag, now.size, source["LastModified"], now.storage_class))


def _as_it_is_now(item: ToCopy, source: Head) -> ToCopy:
    """Return the object that the source is now; its copy may still only replace what was listed."""
    return replace(
        item,
        etag=etag_of(source),
        size=source["ContentLength"],
        storage_class=source.get("StorageClass", "STANDARD"),
        checksum=_checksum_of(source),
    )


def _checksum_of(source: Head) -> tuple[str, str] | None:
    """Return algorithm and type, as a listing has them."""
    name = next((name for name in CHECKSUMS if source.get(name)), None)
    return (name.removeprefix("Checksum"), source.get("ChecksumType", "")) if name else None


def _own_earlier_try(
    run: Run, item: ToCopy, source: Head | None, destination: Head | None
) -> Judgement | None:
    """Return a judgement if the destination is, or may be, what this very run has put there since it began."""
    if destination is None or destination["LastModified"] < run.start_second():
        return None
    content = _same_content(item, source, destination)
    if content is Decision.UNPROVABLE and etag_of(destination) != item.replaces_etag:
        return _judgement(Verdict.CHANGED, item, "changed", PERHAPS_OURS)
    if content is not Decision.CURRENT or not _same_metadata(run, item, source, destination):
        return None
    return Judgement(Verdict.COPIED, item, Outcome(item.key, "copied", item.size))


def _same_content(item: ToCopy, source: Head | None, destination: Head) -> Decision:
    """Return CURRENT where the destination has what was to be copied, UNPROVABLE, or a copy where it has something else."""
    if same_etag(etag_of(destination), item.etag):
        return Decision.CURRENT
    if source is None or etag_of(source) != item.etag or destination["ContentLength"] != item.size:
        return Decision.CONTENT
    if part_count(item.etag) and is_plain(source) and is_plain(destination):
        return Decision.CONTENT  # a copy of ours, made of the same parts, would have the same ETag
    return judge_checksums(source, destination)


def _same_metadata(run: Run, item: ToCopy, source: Head | None, destination: Head) -> bool:
    """Whether the destination has the metadata of the copy, or none is compared; what a source had that is gone is not known."""
    compare_metadata = run.options.compareMetadata
    if not compare_metadata:
        return True
    if source is None or etag_of(source) != item.etag:
        return False
    return judge_heads(Decision.ASK_METADATA, source, destination, compare_metadata) is Decision.CURRENT


def _judgement(verdict: Verdict, item: ToCopy, what: str, why: str) -> Judgement:
    return Judgement(verdict, item, Outcome(item.key, what, 0, why))
