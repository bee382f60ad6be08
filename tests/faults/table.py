"""The table of all scenarios. Rows are products of what can happen and what it can happen to, less what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import deployed_table
from moments import RACES
from scenarios import EITHER, EQUAL, FAILED, LEASE, LONG_TAGS, MOTO, UNKNOWN_UPLOAD, Scenario

READS = (
    "HeadBucket@source", "HeadBucket@destination", "ListObjectsV2@source", "ListObjectsV2@destination",
    "HeadObject@source", "HeadObject@destination", "GetObjectAttributes@source", "GetObjectTagging@source",
)  # fmt: skip
WRITES = (
    "CopyObject@destination", "CreateMultipartUpload@destination", "UploadPartCopy@destination",
    "CompleteMultipartUpload@destination", "AbortMultipartUpload@destination", "PutObjectTagging@destination",
    "DeleteObjects@destination", "DeleteObject@destination",
)  # fmt: skip
WORK = ("PutObject@work", "GetObject@work", "ListObjectsV2@work", "DeleteObject@work")
WITH_DOCUMENT = (
    "ListObjectsV2@source", "ListObjectsV2@destination", "GetObjectAttributes@source", "GetObjectTagging@source",
    "CopyObject@destination", "CreateMultipartUpload@destination", "UploadPartCopy@destination",
    "CompleteMultipartUpload@destination", "DeleteObjects@destination", "GetObject@work", "ListObjectsV2@work",
)  # fmt: skip
LATE_ERRORS = ("CopyObject@destination", "UploadPartCopy@destination", "CompleteMultipartUpload@destination")
ASKED_ONCE = (
    "HeadBucket@destination", "HeadObject@destination", "GetObjectAttributes@source", "PutObjectTagging@destination",
    "DeleteObject@destination",
)  # fmt: skip
KEYS = (
    "CopyObject@destination:to/new-3", "CopyObject@destination:to/changed", "UploadPartCopy@destination:to/wide",
    "CompleteMultipartUpload@destination:to/parts", "HeadObject@source:in/parts", "HeadObject@source:in/orphan-2",
    "DeleteObject@destination:to/odd\x01orphan",
)  # fmt: skip


def all_rows() -> list[Scenario]:
    """Return every scenario, in the order of the page."""
    rows = [*_on_fake_s3(), *_lambdas(), *_on_the_wire(), *deployed_table.rows()]
    assert len({row.name for row in rows}) == len(rows), "two rows of the table are the same"
    return rows


def _on_fake_s3() -> Iterator[Scenario]:
    rows = [
        *_statuses(),
        *_documents(),
        *_connections(),
        *_kills(),
        *_stops(),
        *_races(),
        *_files(),
        *_clocks(),
    ]
    for row in rows:
        yield replace(row, limit=_limit(row)) if _limit(row) else row


def _limit(row: Scenario) -> str:
    """Return what is known to be left by the next run, if anything."""
    operation = row.target.partition("@")[0]
    is_fatal = row.fault.startswith(("403", "400", "503")) and row.must != EQUAL
    if operation == "PutObjectTagging" and is_fatal:
        return LONG_TAGS
    if row.target == "CompleteMultipartUpload@destination" and row.fault == "half a document":
        return LONG_TAGS
    if operation == "CreateMultipartUpload" and row.fault.endswith("after it"):
        return UNKNOWN_UPLOAD
    if (
        operation == "CreateMultipartUpload"
        and row.amount == "always"
        and row.fault in ("lost answer", "half a document")
    ):
        return UNKNOWN_UPLOAD
    return LEASE if row.target == "leases/" and row.fault in ("emptied", "cut") else ""


def _statuses() -> Iterator[Scenario]:
    for target in (*READS, *WRITES, *WORK):
        yield Scenario("status", "500 InternalError", target, "once", EQUAL)
        yield Scenario("status", "503 SlowDown", target, "every third", EQUAL)
        yield Scenario("status", "503 SlowDown", target, "always", _lasting(target))
        yield Scenario("status", "403 AccessDenied", target, "always", _forbidden(target))
        if target not in ASKED_ONCE:
            yield Scenario("status", "403 AccessDenied", target, "the second")
        yield Scenario("status", "400 InvalidRequest", target, "once")
    for target in KEYS:
        # A listing proves that an orphan is not at the source where a HEAD may not.
        must = EITHER if target.endswith("orphan-2") else FAILED
        yield Scenario("status of a key", "403 AccessDenied", target, "always", must)
        yield Scenario("status of a key", "503 SlowDown", target, "three times", EQUAL)


def _documents() -> Iterator[Scenario]:
    for target in LATE_ERRORS:
        for fault in ("200 with InternalError", "200 with SlowDown"):
            yield Scenario("200 with an error", fault, target, "three times", EQUAL)
            yield Scenario("200 with an error", fault, target, "always", FAILED)
    for amount, must in (("once", EITHER), ("always", FAILED)):
        yield Scenario(
            "200 with an error", "200 that names every key", "DeleteObjects@destination", amount, must
        )
    for target in WITH_DOCUMENT:
        yield Scenario("cut body", "half a document", target, "once")
        yield Scenario("cut body", "half a document", target, "always")
        yield Scenario("cut body", "an empty document", target, "once")


def _connections() -> Iterator[Scenario]:
    for target in (*READS, *WRITES, *WORK):
        yield Scenario("connection", "connection reset before it", target, "three times", EQUAL)
        yield Scenario("connection", "lost answer", target, "once", EQUAL)
        yield Scenario("connection", "answer after the time-out", target, "once", EQUAL)
    for target in WRITES:
        yield Scenario("connection", "lost answer", target, "always")


def _kills() -> Iterator[Scenario]:
    for target in (*READS, *WRITES, *WORK):
        for fault in ("worker killed before it", "worker killed after it"):
            yield Scenario("killed worker", fault, target, "once", EITHER)
    for target in WRITES:
        yield Scenario("killed worker", "worker killed after it", target, "always")


def _stops() -> Iterator[Scenario]:
    steps = (
        "list_ranges", "compare_listings", "tally_run comparison", "Map of copy.json", "copy_keys",
        "copy_large_object begin", "copy_large_object parts", "copy_large_object complete", "tally_run copies",
        "delete_orphaned_keys", "tally_run deletes", "tally_run report",
    )  # fmt: skip
    requests = (
        "CopyObject@destination:to/new-3", "CreateMultipartUpload@destination", "UploadPartCopy@destination:to/parts",
        "CompleteMultipartUpload@destination", "DeleteObjects@destination",
    )  # fmt: skip
    for moment in (*(f"before {step}" for step in steps), *(f"after {request}" for request in requests)):
        if "@" not in moment:
            yield Scenario("stop", "StopExecution", moment, must=FAILED)
        yield Scenario("stop", "fab stop", moment)


def _races() -> Iterator[Scenario]:
    copy, complete = "CopyObject@destination", "CompleteMultipartUpload@destination"
    tries = (
        ("destination appears", f"before {copy}:to/new-2"), ("destination appears", "before tally_run comparison"),
        ("destination of parts appears", f"before {complete}:to/parts"),
        ("destination of parts appears", "before CreateMultipartUpload@destination:to/parts"),
        ("very large destination appears", f"before {complete}:to/wide"),
        ("destination changes", f"before {copy}:to/changed"), ("destination changes", "before copy_keys"),
        ("destination is gone", f"before {copy}:to/changed"),
        ("source changes", f"before {copy}:to/new-2"), ("source changes", f"after {copy}:to/new-2"),
        ("source of parts changes", "after UploadPartCopy@destination:to/parts"),
        ("source of parts changes", f"before {complete}:to/parts"),
        ("very large source changes", "after UploadPartCopy@destination:to/wide"),
        ("very large source changes", "before copy_large_object complete"),
        ("source is gone", f"before {copy}:to/new-2"), ("source is gone", "before copy_keys"),
        ("source of parts is gone", "after UploadPartCopy@destination:to/parts"),
        ("very large source is gone", "after UploadPartCopy@destination:to/wide"),
        ("source appears", "before tally_run comparison"), ("source appears", "before tally_run copies"),
        ("orphan is rewritten", "before DeleteObjects@destination"),
        ("orphan is rewritten", "before HeadObject@source:in/orphan-1"),
        ("odd orphan is rewritten", "before DeleteObject@destination"),
        ("orphan is gone", "before DeleteObjects@destination"), ("orphan is gone", "before delete_orphaned_keys"),
        ("orphan is back at the source", "before HeadObject@source:in/orphan-1"),
        ("orphan is back at the source", "before tally_run copies"),
    )  # fmt: skip
    assert {fault for fault, _ in tries} == set(RACES)
    for fault, moment in tries:
        yield Scenario("another writer", fault, moment)


def _files() -> Iterator[Scenario]:
    kinds = (
        "ranges/", "compared/", "copy/", "copy.json", "large/large-", "large/", "large.json", "delete/", "delete.json",
        "copied/", "deleted/", "leases/", "tally/",
    )  # fmt: skip
    for kind in kinds:
        for fault in ("removed", "emptied", "cut", "swapped for another run's"):
            yield Scenario("file of the run", fault, kind)


def _clocks() -> Iterator[Scenario]:
    targets = ("CopyObject@destination", "CompleteMultipartUpload@destination", "DeleteObjects@destination")
    for clock in (
        "clock of S3",
        "clock of Step Functions",
        "dates of the source",
        "dates of the destination",
    ):
        for hours in ("-30 h", "-3 h", "3 h", "30 h"):
            for target in targets:
                yield Scenario("wrong clock, killed worker", clock, target, hours)


def _lasting(target: str) -> str:
    """Return how a run ends if such requests never succeed; an upload that cannot be aborted is no failure of a copy."""
    return (
        EITHER
        if target.startswith(("AbortMultipartUpload", "DeleteObject@work", "GetObjectAttributes"))
        else FAILED
    )


def _forbidden(target: str) -> str:
    """Return how a run ends that may not send such requests; a bucket that may be listed need not be asked for its name."""
    return EITHER if target.startswith("HeadBucket") else _lasting(target)


def _lambdas() -> Iterator[Scenario]:
    """Yield what the state machine has to survive of its Lambdas, which only its interpreter shows."""
    names = (
        "validate_input", "list_ranges", "copy_keys", "copy_large_object", "delete_orphaned_keys", "tally_run",
    )  # fmt: skip
    throttled = "Lambda.TooManyRequestsException"
    for name in names:
        yield Scenario("Lambda", throttled, name, "30 times", EQUAL, MOTO)
        for fault in ("Lambda.ServiceException", "Sandbox.Timedout", "Runtime.ExitError"):
            yield Scenario("Lambda", fault, name, "once", EQUAL, MOTO)
        yield Scenario("Lambda", "Sandbox.Timedout after its work", name, "once", EITHER, MOTO)
        yield Scenario("Lambda", "Runtime.ExitError", name, "always", FAILED, MOTO)


def _on_the_wire() -> Iterator[Scenario]:
    """Yield faults of requests once more, with the order of steps that the state machine itself has."""
    targets = (
        "ListObjectsV2@source", "CopyObject@destination", "UploadPartCopy@destination", "CompleteMultipartUpload@destination",
        "DeleteObjects@destination", "PutObject@work",
    )  # fmt: skip
    for target in targets:
        yield Scenario("status", "503 SlowDown", target, "three times", EQUAL, MOTO)
        yield Scenario("status", "403 AccessDenied", target, "always", FAILED, MOTO)
        yield Scenario("connection", "lost answer", target, "once", EQUAL, MOTO)
        yield Scenario("killed worker", "worker killed before it", target, "once", EQUAL, MOTO)
