"""What a run left behind and reported, held against what the oracle says: sentences about everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import oracle_filters
from oracle import Bucket, Encryption, Object, Options, Prediction, encryption_of_copies, etag_of
from wire import Request


def wrong_copy(copied: Object, source: Object, options: Options, default: Encryption) -> list[str]:
    """Return in what a copy is not what it must be, in a bucket of this default encryption; nothing if it is right."""
    chosen = options.get("storageClass", "source")
    encryption = encryption_of_copies(options, default)
    expected: dict[str, Any] = {
        "body": source.body,
        "headers": dict(source.headers),
        "metadata": dict(source.metadata),
        "tags": dict(source.tags) if options.get("copyTags", True) else {},
        # CopyObject carries no redirect, and only objects without content are looked at for one.
        "redirect": source.redirect if not source.body or len(source.parts) > 1 else None,
        "storage_class": source.storage_class if chosen == "source" else chosen,
        "kms_key": encryption.key,
    }
    if encryption.word != (copied.encryption or "AES256"):
        expected["encryption"] = encryption.word
    if encryption.is_kms:
        expected["parts"] = copied.parts if _are_right_parts(copied, source) else source.parts
    elif copied.etag not in _right_etags(copied, source):
        expected["etag"] = etag_of(source.body, source.parts)
    if source.checksum and len(source.parts) != 1:
        expected["checksum"] = source.checksum
    return [
        f"{name} is {getattr(copied, name)!r}, expected {value!r}"
        for name, value in expected.items()
        if getattr(copied, name) != value
    ]


def _right_etags(copied: Object, source: Object) -> set[str]:
    """Return the ETags that a copy may have outside KMS: that of the source's parts; of the whole if there is but one part."""
    right = {etag_of(source.body, source.parts)} | (
        {etag_of(source.body, ())} if len(source.parts) == 1 else set()
    )
    if source.is_under_kms and _are_right_parts(copied, source):
        right.add(etag_of(copied.body, copied.parts))
    return right


def _are_right_parts(copied: Object, source: Object) -> bool:
    """Tell whether a copy is of the parts that it must have where one of the two is under KMS.

    No ETag there is ever equal to another, so where parts begin matters only if there is a checksum of the parts; how many
    there are is kept, but for one part, which is as good as none.
    """
    if source.checksum is not None and source.checksum.type == "COMPOSITE" and len(source.parts) > 1:
        return copied.parts == source.parts
    return len(copied.parts) == len(source.parts) or (not copied.parts and len(source.parts) == 1)


def wrong_objects(
    before: Bucket, after: Bucket, found: Prediction, options: Options, default: Encryption
) -> list[str]:
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
            wrong += [
                f"{key!r}: {what}" for what in again + wrong_copy(after[key], copies[key], options, default)
            ]
        elif after[key] != before[key]:
            wrong.append(f"{key!r} was changed from {before[key]} to {after[key]}")
    return sorted(wrong)


def wrong_report(report: Mapping[str, Any], found: Prediction, options: Options) -> list[str]:
    """Return a sentence for everything in a report that is not what happened; nothing if all is right."""
    expected = found.reported(options)
    for name in ("filtered", "notOverwritten"):
        if name in report and name not in expected:
            return [f"{name} is in the report of a run without such an option"]
    named = {one["key"]: one["what"] for one in report["notSynchronised"]}
    expected_names = found.named(options)
    wrong = [
        f"{name} is {report[name]}, expected {value}"
        for name, value in expected.items()
        if report[name] != value
    ]
    is_warned = any(text.startswith("serverSideEncryption ") for text in report["warnings"])
    if is_warned != ("serverSideEncryption" in options):
        wrong.append(f"warnings are {report['warnings']}, serverSideEncryption {options}")
    is_warned = any(" kept: " in text for text in report["warnings"])
    if is_warned != bool(found.kept_orphans and any(options.get(name) for name in oracle_filters.OF_SOURCE)):
        wrong.append(f"warnings are {report['warnings']}, kept orphans {found.kept_orphans}")
    return wrong + (
        [f"not synchronised are {named}, expected {expected_names}"] if named != expected_names else []
    )


def wrong_requests(sent: Sequence[Request], options: Options) -> list[str]:
    """Return a sentence for every request about tags where none may be read and none written; nothing if there is none."""
    if options.get("copyTags", True):
        return []
    return [
        f"{request.operation} of {request.key!r} is about tags"
        for request in sent
        if request.operation.endswith("Tagging") or "x-amz-tagging" in request.headers
    ]
