"""What counts as equal: the table as pure functions. The first row that fits decides; "ask" is a HEAD of both objects.

| source | destination | decision |
| --- | --- | --- |
| present | absent | copy: new |
| absent | present | orphan |
| sizes differ | | copy: size |
| ETags equal (or `X-1`, X the MD5 of the other's bytes), source not newer | | current |
| ETags equal in that sense, source newer | | ask for metadata; current if `compareMetadata` is false |
| current by all of this, `compareMetadata` is "all" | | ask for metadata |
| current by all of this, tags are compared | | ask for tags |
| ETags differ, source newer | | copy: content |
| ETags differ, same size, destination not older | | ask for checksums |

What the answers mean is in `judge_heads`: a copy (checksum, content where two MD5s differ, metadata), current, or unprovable,
which an option decides. Where both HEADs are there, metadata is judged as well, unless `compareMetadata` is false, and only what
a copy carries, so that the next run finds it equal. Tags that differ make a copy too.

A decision to copy says why, and that is the reason that a planned line carries: there is no copy without one.

What this cannot see, unless `compareMetadata` is "all": other metadata at a destination with equal ETag that is not older. A
bucket filled by another tool looks like that, and so does a copy that somebody has given other metadata since.

LastModified has a resolution of one second and our own copy is always newer than what it was made from, so an object that
is current now is current on the next run.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from lambda_functions.shared.s3.checksums import same_checksum
from lambda_functions.shared.s3.etags import CONTENT_HEADERS, etag_of, is_md5, part_count, same_etag
from lambda_functions.shared.s3.listing import Entry


class Decision(enum.Enum):
    """What is to be done with one key, and why; the words of `REASONS` stand in the lines of a plan."""

    NEW = "new"
    SIZE = "size"
    CONTENT = "content"
    METADATA = "metadata"
    TAGS = "tags"
    CHECKSUM = "checksum"
    UNPROVABLE = "unprovable"
    ORPHAN = "orphan"
    CURRENT = "current"
    ASK_METADATA = "ask metadata"
    ASK_CHECKSUMS = "ask checksums"
    ASK_TAGS = "ask tags"


# What a key is copied for, whatever the options say.
COPIES = frozenset(
    (
        Decision.NEW,
        Decision.SIZE,
        Decision.CONTENT,
        Decision.METADATA,
        Decision.TAGS,
        Decision.CHECKSUM,
    )
)
# What is asked of both objects by HEAD, or of their tags.
QUESTIONS = frozenset((Decision.ASK_METADATA, Decision.ASK_CHECKSUMS, Decision.ASK_TAGS))
# Why there is something to do: unprovable only where the option says "copy".
REASONS = COPIES | {Decision.UNPROVABLE, Decision.ORPHAN}


def decide(
    source: Entry | None,
    destination: Entry | None,
    compare_metadata: bool | str = True,
    compare_tags: bool = False,
) -> Decision:
    """Return the decision of the table for one key, of which at least one side has an entry."""
    if source is None:
        return Decision.ORPHAN
    if destination is None:
        return Decision.NEW
    if source.size != destination.size:
        return Decision.SIZE
    is_newer = source.modified > destination.modified
    if same_etag(source.etag, destination.etag):
        if compare_metadata == "all" or (is_newer and compare_metadata):
            return Decision.ASK_METADATA
        return Decision.ASK_TAGS if compare_tags else Decision.CURRENT
    return Decision.CONTENT if is_newer else Decision.ASK_CHECKSUMS


def judge_heads(
    question: Decision,
    source: Mapping[str, Any],
    destination: Mapping[str, Any],
    compare_metadata: bool | str,
) -> Decision:
    """Return a copy, CURRENT or UNPROVABLE from two answers of HeadObject; `question` is what the listings could not tell."""
    if question is Decision.ASK_CHECKSUMS:
        content = judge_checksums(source, destination)
        if content is not Decision.CURRENT:
            return content
    return (
        judge_metadata(_as_copied(source, destination), destination) if compare_metadata else Decision.CURRENT
    )


def _as_copied(source: Mapping[str, Any], destination: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a source without the redirect that no copy would carry, where the destination has none either."""
    redirect = "WebsiteRedirectLocation"
    if not source.get(redirect) or destination.get(redirect):
        return source
    is_carried = source["ContentLength"] == 0 or (part_count(etag_of(source)) or 1) > 1
    return source if is_carried else {**source, redirect: None}


def judge_metadata(source: Mapping[str, Any], destination: Mapping[str, Any]) -> Decision:
    """Return METADATA where content headers, user metadata or the redirect differ, else CURRENT; of two answers of HeadObject."""
    names = (*CONTENT_HEADERS, "Metadata", "WebsiteRedirectLocation")
    same = all((source.get(name) or None) == (destination.get(name) or None) for name in names)
    return Decision.CURRENT if same else Decision.METADATA


def judge_tags(source: Mapping[str, str], destination: Mapping[str, str]) -> Decision:
    """Return TAGS where the tags of two objects differ, else CURRENT."""
    return Decision.CURRENT if source == destination else Decision.TAGS


def judge_checksums(source: Mapping[str, Any], destination: Mapping[str, Any]) -> Decision:
    """Return CURRENT, CHECKSUM, CONTENT or UNPROVABLE from two answers of HeadObject with ChecksumMode (sizes already equal)."""
    same = same_checksum(source, destination)
    if same is not None:
        return Decision.CURRENT if same else Decision.CHECKSUM
    both_md5 = is_md5(source) and is_md5(destination)
    return Decision.CONTENT if both_md5 else Decision.UNPROVABLE
