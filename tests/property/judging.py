"""What a run left behind and reported, held against what the oracle says: sentences about everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oracle import Bucket, Object, Options, Prediction, etag_of


def wrong_copy(copied: Object, source: Object, options: Options) -> list[str]:
    """Return in what a copy is not what it must be, in a bucket without a key of KMS; nothing if it is right."""
    chosen = options.get("storageClass", "source")
    expected: dict[str, Any] = {
        "body": source.body,
        "headers": dict(source.headers),
        "metadata": dict(source.metadata),
        "tags": dict(source.tags),
        # CopyObject carries no redirect, and only objects without content are looked at for one.
        "redirect": source.redirect if not source.body or len(source.parts) > 1 else None,
        "storage_class": source.storage_class if chosen == "source" else chosen,
    }
    expected["etag"] = (
        copied.etag if copied.etag in _right_etags(copied, source) else etag_of(source.body, source.parts)
    )
    if source.checksum and len(source.parts) != 1:
        expected["checksum"] = source.checksum
    return [
        f"{name} is {getattr(copied, name)!r}, expected {value!r}"
        for name, value in expected.items()
        if getattr(copied, name) != value
    ]


def _right_etags(copied: Object, source: Object) -> set[str]:
    """Return the ETags that a copy may have: that of the source's parts; of the whole if there is but one part.

    Under KMS no ETag is ever equal to another, so where parts begin matters only if there is a checksum of the parts.
    """
    right = {etag_of(source.body, source.parts)} | (
        {etag_of(source.body, ())} if len(source.parts) == 1 else set()
    )
    is_composite = source.checksum is not None and source.checksum.type == "COMPOSITE"
    if source.encryption == "aws:kms" and not is_composite and len(copied.parts) == len(source.parts):
        right.add(etag_of(copied.body, copied.parts))
    return right


def wrong_objects(before: Bucket, after: Bucket, found: Prediction, options: Options) -> list[str]:
    """Return a sentence for everything in a destination that is not as a run must leave it; nothing if all is right."""
    acts = not found.error and not options.get("dryRun", False)
    copies, deletes = (found.copies, found.deletes) if acts else ({}, {})
    keys = before.keys() - deletes.keys() | copies.keys()
    wrong = [f"{key!r} is missing" for key in keys - after.keys()]
    wrong += [f"{key!r} is there" for key in after.keys() - keys]
    for key in keys & after.keys():
        if key in copies:
            again = (
                ["it was not written"]
                if key in before and after[key].identity == before[key].identity != 0
                else []
            )
            wrong += [f"{key!r}: {what}" for what in again + wrong_copy(after[key], copies[key], options)]
        elif after[key] != before[key]:
            wrong.append(f"{key!r} was changed from {before[key]} to {after[key]}")
    return sorted(wrong)


def wrong_report(report: Mapping[str, Any], found: Prediction, options: Options) -> list[str]:
    """Return a sentence for everything in a report that is not what happened; nothing if all is right."""
    expected = found.reported(options)
    named = {one["key"]: one["what"] for one in report["notSynchronised"]}
    wrong = [
        f"{name} is {report[name]}, expected {value}"
        for name, value in expected.items()
        if report[name] != value
    ]
    return wrong + (
        [f"not synchronised are {named}, expected {found.skipped}"] if named != found.skipped else []
    )
