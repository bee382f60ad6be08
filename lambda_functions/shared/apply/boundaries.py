"""Where the parts of a source object begin: guessed from the first one, or asked for.

A guess costs nothing, because the HEAD that asks for the object's properties also tells the size of its first part. Asking costs
a GetObjectAttributes for 1,000 parts or, where S3 knows no sizes, a HEAD a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.apply import parts as arithmetic
from lambda_functions.shared.apply.parts import Part
from lambda_functions.shared.equality import etag_of, parts_of
from lambda_functions.shared.errors import SourceChanged, status_of
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients

Line = Mapping[str, Any]


def head(clients: Clients, run: Run, line: Line, part: int | None) -> dict[str, Any]:
    """Return HeadObject's answer for a source object, or for one of its parts."""
    number = {"PartNumber": part} if part else {}
    answer: dict[str, Any] = clients.source.head_object(**run.source.at(line["key"]), **number)
    return answer


def is_listed(answer: Mapping[str, Any], line: Line) -> bool:
    """Whether HeadObject has answered for the object that was listed."""
    return bool(etag_of(answer) == line["etag"])


def guess(line: Line, first: Mapping[str, Any]) -> list[Part] | None:
    """Return parts of the first one's size, given HEAD's answer for that; None if those would not be as many as there are."""
    count = parts_of(line["etag"])
    if (
        count
        and first.get("PartsCount") == count
        and arithmetic.fits(line["size"], first["ContentLength"], count)
    ):
        return arithmetic.uniform(line["size"], first["ContentLength"])
    return None


def exact(clients: Clients, run: Run, line: Line, count: int) -> list[Part]:
    """Return the parts as they are; raise `SourceChanged` if they are not those of the object that was listed."""
    sizes = _listed_sizes(clients, run, line)
    if len(sizes) != count or sum(sizes) != line["size"]:
        sizes = [_size(clients, run, line, number) for number in range(1, count + 1)]
    if sum(sizes) != line["size"]:
        raise SourceChanged(f"its {count} parts add up to {sum(sizes):,} bytes; listed were {line['size']:,}")
    return arithmetic.of_sizes(sizes)


def _listed_sizes(clients: Clients, run: Run, line: Line) -> list[int]:
    """Return the part sizes that GetObjectAttributes knows: those of objects uploaded with checksums; else nothing."""
    sizes: list[int] = []
    marker = 0
    while True:
        answer = clients.source.get_object_attributes(
            **run.source.at(line["key"]),
            ObjectAttributes=["ObjectParts"],
            PartNumberMarker=marker,
        )
        found = answer.get("ObjectParts", {})
        sizes += [part["Size"] for part in found.get("Parts", ())]
        if not found.get("IsTruncated") or not found.get("Parts"):
            return sizes
        marker = found["NextPartNumberMarker"]


def _size(clients: Clients, run: Run, line: Line, number: int) -> int:
    try:
        return int(head(clients, run, line, number)["ContentLength"])
    except ClientError as error:
        if status_of(error) == 416:  # InvalidPartNumber: it has fewer parts now
            raise SourceChanged(f"it has no part {number} any more") from error
        raise
