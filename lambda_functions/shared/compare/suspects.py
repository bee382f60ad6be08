"""Which of the keys that differ at the end of a run are differences, and which are what others have written meanwhile.

The second comparison has found that the two sides of a key differ; that alone says nothing, because buckets are written while
they are synchronised. "New" is what S3 dates after the run's start, by S3's own clock. The first row that fits decides:

| source | destination | what the run has done with the key | |
| --- | --- | --- | --- |
| new | | | written meanwhile |
| none | the object that was planned to be deleted | | **extra** |
| none | new | | written meanwhile: by others, or by the run and its source deleted since |
| none | old, and the very object that the run found current | | its source was deleted meanwhile |
| none | old otherwise | | **extra** |
| there | none | | **missing** |
| there | old | | **different** |
| there | new | not copied | written meanwhile |
| there | new, of another size | copied in one piece | written meanwhile: S3 makes no copy of another size |
| there | new otherwise | copied | **different** |

Where it cannot be known it is a difference: bytes of equal size at the destination of a copy may be somebody else's, or damage.
So is what could not be looked up in the time there was. LastModified has a resolution of one second: a source of the very second
in which the run began is new unless the run has copied exactly that object, a destination of that second is new. An object
that was uploaded in parts has the date at which its upload began
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html), which may be before the run's start: it is old.

What the run itself has skipped and named is not named once more, such as an archived source, restored or not. One that was not
looked up is taken to be so: archives may have very many.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from lambda_functions.shared.compare.found_current import digest, find
from lambda_functions.shared.compare.planned import parts_of
from lambda_functions.shared.equality import Decision
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import SKIPPED, Outcome
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.work_bucket.run_folder import READ_THREADS, RunFolder
from lambda_functions.shared.work_items import ToCopy

# Files that are read between two looks at the clock.
CHUNK_FILES = 128
_WORDS = {
    "size": "its size is not that of the source",
    "content": "its content is not that of the source",
    "metadata": "its metadata is not that of the source",
    "tags": "its tags are not those of the source",
    "checksum": "its checksum is not that of the source",
}

Record = Mapping[str, Any]
File = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A key whose two sides differ, as a line of a file; an ETag that is None is an object that is not there.

    `reason` is a word of `equality.Decision`. An object of the second in which the run began, or of a later one, is new.
    `is_archived`: the source has to be restored before it can be copied.
    """

    key: str
    reason: str
    source: str | None
    destination: str | None
    is_source_new: bool
    is_destination_new: bool
    is_archived: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(slots=True)
class Known:
    """What the run's files say of a key."""

    copied: ToCopy | None = None
    deleted_etag: str | None = None
    was_current: bool = False
    was_skipped: bool = False


@dataclass
class Evidence:
    """The same of some keys; `is_whole` unless there was not the time to read all of it."""

    keys: dict[str, Known] = field(default_factory=dict)
    is_whole: bool = True


def is_difference(suspect: Suspect, known: Known) -> bool:
    """Return what the table says. Pure."""
    if known.was_skipped:
        return False
    if suspect.reason == Decision.ORPHAN.value:
        was_to_go = known.deleted_etag == suspect.destination
        return was_to_go or not (suspect.is_destination_new or known.was_current)
    if suspect.is_source_new and (known.copied is None or known.copied.etag != suspect.source):
        return False
    if suspect.destination is None or not suspect.is_destination_new:
        return True
    if known.copied is None:
        return False
    return suspect.reason != Decision.SIZE.value or parts_of(known.copied) > 1


def outcome_of(suspect: Suspect) -> Outcome:
    """Return how a difference is named."""
    if suspect.reason == Decision.ORPHAN.value:
        return Outcome(
            suspect.key, "extra", 0, "the source has nothing under this key, the destination still has"
        )
    if suspect.destination is None:
        return Outcome(suspect.key, "missing", 0, "the destination has nothing under this key any more")
    return Outcome(suspect.key, "different", 0, _WORDS[suspect.reason])


def gather(
    folder: RunFolder,
    records: Iterable[Record],
    others: Sequence[File],
    suspects: Sequence[Suspect],
    turn: Turn,
) -> Evidence:
    """Return what the run's files say of these keys: those that the records of their ranges name, and `others`, which name keys.

    Stops where the turn is over.
    """
    evidence = Evidence({suspect.key: Known() for suspect in suspects})
    near = list(_near(records, sorted(evidence.keys)))
    lines = [shard for record in near for kind in record["shards"].values() for shard in kind]
    lines += [*(file for record in near for file in record["failures"]), *others]
    wanted = {
        digest(one.key, one.destination): one.key
        for one in suspects
        if one.source is None and one.destination
    }
    current = [file for record in near for file in record.get("foundCurrent", ())] if wanted else []
    with ThreadPoolExecutor(READ_THREADS) as pool:
        for chunk in _chunks(lines, turn, evidence):
            for of_file in pool.map(folder.read_lines, chunk):
                for line in of_file:
                    _take(evidence, line)
        for chunk in _chunks(current, turn, evidence):
            for found in pool.map(lambda file: find(folder, file, wanted.keys()), chunk):
                for one in found:
                    evidence.keys[wanted[one]].was_current = True
    return evidence


def _near(records: Iterable[Record], keys: Sequence[str]) -> Iterator[Record]:
    """Yield the records that have decided one of these keys, which are in order."""
    for record in records:
        parts = map(KeyRange.from_json, record["decided"])
        if any(_has_key(part, keys) for part in parts):
            yield record


def _has_key(part: KeyRange, keys: Sequence[str]) -> bool:
    at = 0 if part.after is None else bisect_right(keys, part.after)
    return at < len(keys) and part.contains(keys[at])


def _chunks(files: Sequence[File], turn: Turn, evidence: Evidence) -> Iterator[Sequence[File]]:
    for start in range(0, len(files), CHUNK_FILES):
        if turn.is_over():
            evidence.is_whole = False
            return
        yield files[start : start + CHUNK_FILES]


def _take(evidence: Evidence, line: Mapping[str, Any]) -> None:
    """Take in a line of a shard, or of a file that names keys which were not synchronised."""
    known = evidence.keys.get(line["key"])
    if known is None:
        return
    if "what" in line:
        known.was_skipped |= line["what"] in SKIPPED
    elif line.get("reason") == Decision.ORPHAN.value:
        known.deleted_etag = line["etag"]
    else:
        known.copied = ToCopy.from_json(line)
