"""The rows of the table that are played on the deployed machine: each kind of request of a real run, and each kind of fault."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios import EITHER, EMULATOR, EQUAL, FAILED, UNKNOWN_UPLOAD, Scenario

COPY, PART, COMPLETE = (
    "CopyObject@destination",
    "UploadPartCopy@destination",
    "CompleteMultipartUpload@destination",
)
CREATE, DELETE, LIST = (
    "CreateMultipartUpload@destination",
    "DeleteObjects@destination",
    "ListObjectsV2@source",
)
ONCE: dict[str, tuple[str, ...]] = {
    "500 InternalError": (
        "HeadBucket@source", "HeadBucket@destination", "ListObjectsV2@destination", "HeadObject@source",
        "HeadObject@destination", "GetObjectAttributes@source", "GetObjectTagging@source", CREATE,
        "PutObjectTagging@destination", "GetObject@work",
    ),
    "body cut on the wire": (
        LIST, "GetObjectAttributes@source", COPY, COMPLETE, DELETE, "GetObject@work", "ListObjectsV2@work",
    ),
    "lost answer": (COPY, CREATE, COMPLETE, DELETE, "PutObject@work"),
    "answer after the time-out": (LIST, COPY, COMPLETE),
    "worker killed before it": (LIST, COPY, PART, "PutObject@work"),
    "worker killed after it": (COPY, PART, COMPLETE, DELETE),
}  # fmt: skip
THREE_TIMES: dict[str, tuple[str, ...]] = {
    "503 SlowDown": (LIST, COPY, PART),
    "200 with InternalError": (COPY, PART, COMPLETE),
    "connection reset before it": ("HeadObject@source", COPY, DELETE),
}
ALWAYS: dict[str, tuple[str, ...]] = {
    "503 SlowDown": (f"{COPY}:to/new-3",),
    "403 AccessDenied": (LIST, COPY, f"{PART}:to/wide", DELETE, "PutObject@work"),
    "200 with InternalError": (f"{COMPLETE}:to/parts",),
}
MOMENTS: dict[str, tuple[str, ...]] = {
    "destination appears": (f"before {COPY}:to/new-2",),
    "destination of parts appears": (f"before {COMPLETE}:to/parts",),
    "very large destination appears": (f"before {COMPLETE}:to/wide",),
    "source changes": (f"before {COPY}:to/new-2",),
    "source of parts changes": (f"after {PART}:to/parts",),
    "source is gone": (f"before {COPY}:to/new-2",),
    "orphan is rewritten": (f"before {DELETE}",),
    "orphan is back at the source": ("before HeadObject@source:in/orphan-1",),
}
STOPS = (f"after {COPY}:to/new-3", f"after {PART}:to/wide", f"before {DELETE}")
FILES: dict[str, tuple[str, ...]] = {
    "removed": ("copy/", "large/", "copied/"),
    "cut": ("delete/", "deleted/"),
    "swapped for another run's": ("copy/", "large/large-"),
}


def rows() -> Iterator[Scenario]:
    """Yield every scenario of the deployed machine."""
    for fault, targets in ONCE.items():
        # The state machine tries a step again whose worker is dead, and a step that met a cut answer.
        yield from (
            Scenario("request", fault, target, "once", EQUAL, EMULATOR, _limit(fault, target))
            for target in targets
        )
    for fault, targets in THREE_TIMES.items():
        yield from (Scenario("request", fault, target, "three times", EQUAL, EMULATOR) for target in targets)
    for fault, targets in ALWAYS.items():
        yield from (Scenario("request", fault, target, "always", FAILED, EMULATOR) for target in targets)
    for fault, moments in MOMENTS.items():
        must = EITHER if fault.startswith("source") else FAILED
        yield from (Scenario("another writer", fault, one, "once", must, EMULATOR) for one in moments)
    yield from (Scenario("stop", "StopExecution", one, "once", FAILED, EMULATOR) for one in STOPS)
    for fault, kinds in FILES.items():
        yield from (Scenario("file of the run", fault, kind, "once", EITHER, EMULATOR) for kind in kinds)


def _limit(fault: str, target: str) -> str:
    """Return what may be left: a worker copies many objects at once, and dies when S3 has begun an upload of another one."""
    is_copying = fault.startswith("worker killed") and target in (COPY, PART, COMPLETE)
    return UNKNOWN_UPLOAD if is_copying else ""
