"""What runs live on: leases, files of the work bucket, records, uploads, approved plans."""

from __future__ import annotations

import functools
import json
import random
from types import SimpleNamespace
from typing import Any

from samples import EXECUTION, FOLDER, AbortedUploads, MemoryS3, compared_record, run_of

from deployment.text import visible
from lambda_functions.shared.apply import uploads
from lambda_functions.shared.compare.waves import read_wave, write_wave
from lambda_functions.shared.errors import Refused
from lambda_functions.shared.options import Options
from lambda_functions.shared.tally import sums
from lambda_functions.shared.tally.plan import total_of_records
from lambda_functions.shared.work_bucket import approved_plans
from lambda_functions.shared.work_bucket.lease_cycles import (
    Lease,
    find_cycle,
    lease_document,
    overlapping,
    parse_lease,
)
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

from .mutating import changed_bytes, changed_json
from .promises import require_clear, same_json
from .running import Target


def _changed_body(chance: random.Random, body: bytes) -> bytes:
    """Return a file of JSON with other values, other bytes, or a part of it."""
    kind = chance.randrange(8)
    if kind == 0:
        return body[: chance.randint(0, len(body))]
    if kind == 1:
        return changed_bytes(chance, body, 1)
    if kind == 2:
        return chance.choice(
            [
                b"",
                b"null",
                b"[]",
                b"{}",
                b"[" * 5000,
                b'{"a":' * 3000,
                b"\xff\xfe{\x00}\x00",
                b"9" * 5000,
                b"NaN",
            ]
        )
    document = json.loads(body)
    return json.dumps(changed_json(chance, document, chance.choice([1, 1, 2]))).encode()


LEASE = lease_document(run_of(prefix="a/", destinationPrefix="b/", name="nightly"))
OTHER = {**LEASE, "endedAt": "2026-11-22T10:12:00+00:00", "missingSince": "2026-11-22T10:12:00+00:00"}


def draw_lease(chance: random.Random) -> bytes:
    body = json.dumps(chance.choice([LEASE, OTHER])).encode()
    return body if chance.random() < 0.2 else _changed_body(chance, body)


def accepts_lease(body: bytes) -> bool:
    """Whether a lease can be read; one that cannot is a lease on the whole bucket, of a run that reads everything."""
    lease, mine = parse_lease("into", body), Lease.of(run_of())
    if lease.problem:
        require_clear(visible(lease.problem))
        assert overlapping(lease, mine), "a lease that cannot be read does not count"
        source = parse_lease("from", body)
        assert find_cycle(mine, [source]) == [source], (
            "what a run that cannot be read reads is taken for nothing"
        )
        return False
    document = json.loads(body)
    said = (lease.execution, lease.prefix, lease.folder, lease.started_at)
    assert said == tuple(document[name] for name in ("execution", "prefix", "folder", "startedAt"))
    assert lease.source is None or lease.source == document["source"]
    assert bool(lease.ended_at) == bool(document.get("endedAt")), (
        "an end that nobody wrote gives a destination free"
    )
    assert overlapping(lease, mine)
    for text in (lease.execution_title(), lease.source_address(), lease.destination_address()):
        assert text
    return True


DOCUMENT = {"tally": {"copied": {"objects": 3, "bytes": 12}}, "next": 3, "failures": []}
LINES = [{"key": "a", "etag": "x", "size": 3}, {"key": "b\u2028\n\x85", "etag": "y", "size": 0}]


def draw_file(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(["document", "lines", "index"])
    body = _written(kind)[0].files[f"{FOLDER}/{kind}"]
    if chance.random() < 0.2:
        return {"kind": kind, "body": body}
    if kind == "lines":
        return {"kind": kind, "body": changed_bytes(chance, body, chance.choice([1, 2]))}
    return {"kind": kind, "body": _changed_body(chance, body)}


def _written(kind: str) -> tuple[MemoryS3, Any]:
    s3 = MemoryS3()
    folder = RunFolder(s3, FOLDER)
    if kind == "lines":
        return s3, folder.write_lines(kind, LINES)
    if kind == "index":
        return s3, folder.write_index(kind, LINES)
    return s3, folder.write(kind, DOCUMENT)


def accepts_file(case: dict[str, Any]) -> bool:
    """Whether a file of a run can be read: then it is what was written, else nothing is concluded from it."""
    kind, body = case.get("kind", "document"), case.get("body", b"")
    s3, named = _written(kind)
    s3.files[f"{FOLDER}/{kind}"] = body
    folder = RunFolder(s3, FOLDER)
    read = {"lines": folder.read_lines, "index": folder.read_index}.get(kind)
    try:
        found = read(named) if read else folder.require(kind)
    except RunFileBroken as error:
        require_clear(visible(str(error)), f"{FOLDER}/{kind}", "Nothing can be concluded from it")
        return False
    if read:
        assert found == LINES, "a file that was changed is read"
    else:
        assert found["file"] == f"{FOLDER}/{kind}", "another file is read"
    return True


PLANNED = f"{FOLDER}/"
TURN: Any = SimpleNamespace(is_over=lambda: False, ends_map=lambda: False)


@functools.cache
def _plan() -> tuple[dict[str, bytes], str]:
    """Return the files that a dry run has left, and the digest of its plan."""
    s3 = MemoryS3()
    folder = RunFolder(s3, FOLDER)
    options = Options("from", "into", dryRun=True, exclude=("*.log",), maxDelete="10%")
    shard = folder.write_lines("copy/1-0001-0001-a.jsonl", LINES)
    folder.write("compared/1-0001.json", {"shards": {"copy": [shard]}})
    wave = {
        **folder.write_index("ranges/1.json", [{"id": "1-0001", "after": None, "upTo": None}]),
        "index": "ranges/1.json",
    }
    digest = approved_plans.write_plan(folder, options, [wave], ["compared/1-0001.json"], [shard])
    report = {
        "dryRun": True,
        "outcome": "Succeeded",
        "failed": {"objects": 0},
        "format": approved_plans.FORMAT,
    }
    report |= {"options": options.to_json(), "planDigest": digest, "startedAt": EXECUTION["startTime"]}
    folder.write("report.json", report)
    return s3.files, digest


def draw_plan(chance: random.Random) -> dict[str, Any]:
    files = dict(_plan()[0])
    for _ in range(chance.choice([0, 1, 1, 1, 2])):
        key = f"{FOLDER}/report.json" if chance.random() < 0.5 else chance.choice(list(files))
        try:
            files[key] = _changed_body(chance, files[key])
        except (ValueError, RecursionError):  # lines of JSON, or what a change before this one has left
            files[key] = changed_bytes(chance, files[key], 1)
    if chance.random() < 0.1:
        files[f"{FOLDER}/applied-by.json"] = json.dumps(
            {
                "file": f"{FOLDER}/applied-by.json",
                **chance.choice([{"execution": "arn:other"}, {}, {"execution": EXECUTION["id"]}]),
            }
        ).encode()
    return {"files": files, "digest": chance.choice([None, _plan()[1], "0" * 64])}


def accepts_plan(case: dict[str, Any]) -> bool:
    """Whether a plan is carried out: then none of its files was changed, and its options are those that were shown."""
    s3, (files, digest) = MemoryS3(), _plan()
    s3.files = {**case.get("files", {})}
    given = {"plan": FOLDER.removeprefix("runs/")} | (
        {"planDigest": case["digest"]} if case.get("digest") else {}
    )
    execution = {**EXECUTION, "id": "arn:mine", "startTime": "2026-11-23T10:11:12.345Z"}
    try:
        approved = approved_plans.approve(s3, given, execution, 30, TURN)
    except Refused as refused:
        assert refused.error == "InvalidInput"
        require_clear(visible(refused.cause), "Nothing was changed")
        return False
    shown = json.loads(files[f"{FOLDER}/report.json"])["options"]
    assert same_json(approved.options.to_json(), {**shown, "dryRun": False}), (
        "other options than those that were shown"
    )
    assert case.get("digest") in (None, digest) and approved.applied.digest == digest
    for key, body in files.items():
        is_of_plan = not key.endswith(("report.json", "plan.json"))
        assert not is_of_plan or s3.files.get(key) == body, f"{key} was changed, and is taken for the plan's"
    return True


UPLOAD = {"parameters": {"Bucket": "into"}, "key": "copy/a", "region": "eu-west-1", "uploadId": "u-1"}


def draw_upload(chance: random.Random) -> bytes:
    body = json.dumps({"file": f"{FOLDER}/uploads/1.json", **UPLOAD}).encode()
    return body if chance.random() < 0.2 else _changed_body(chance, body)


def accepts_upload(body: bytes) -> bool:
    """Whether an upload that a run has left is aborted: else its file stays and is told, and all else goes on."""
    s3, destination = MemoryS3(), AbortedUploads()
    s3.files = {f"{FOLDER}/uploads/1.json": body}
    problems = uploads.abort_all(RunFolder(s3, FOLDER, is_older=True), destination)
    assert bool(problems) == bool(s3.files), "an upload is forgotten that was not aborted"
    for problem in problems:
        require_clear(visible(problem), "not aborted")
    if problems:
        return False
    document = json.loads(body)
    wanted = {**document["parameters"], "Key": document["key"], "UploadId": document["uploadId"]}
    assert json.dumps(destination.aborted) == json.dumps([wanted])
    return True


TURN_RECORD = {
    "next": 2,
    "tally": {"copied": {"objects": 1, "bytes": 12}, "failed": {"objects": 1, "bytes": 3}},
    "causes": {"AccessDenied": {"objects": 1, "example": {"key": "a"}}},
    "failures": [{"file": "failures/a.jsonl", "objects": 1, "sha256": "0"}],
    "requests": {"COPY": 2},
    "seconds": 1.5,
}
SHARD = {"file": "copy/a.jsonl", "objects": 2, "sha256": "0", "bytes": 15}
RANGE_RECORD = compared_record(
    shards={"copy": [SHARD]}, listed=(3, 1), filtered={"source": 0}, notOverwritten=0
)


def draw_record(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(["turn", "range"])
    sample = TURN_RECORD if kind == "turn" else RANGE_RECORD
    return {
        "kind": kind,
        "record": changed_json(chance, sample, chance.choice([0, 1, 1, 2]), list(RANGE_RECORD)),
    }


def accepts_record(case: dict[str, Any]) -> bool:
    """Whether a record is added up: then as the numbers that stand in it; what it does not say is never a zero."""
    record = case.get("record", {})
    if not isinstance(record, dict):
        return False
    s3 = MemoryS3()
    folder = RunFolder(s3, FOLDER)
    try:
        if case.get("kind") == "turn":
            _add_turn(folder, record)
        else:
            _add_range(folder, record)
    except RunFileBroken as error:
        require_clear(visible(str(error)), FOLDER, "Nothing can be concluded from it")
        return False
    return True


def _add_turn(folder: RunFolder, record: dict[str, Any]) -> None:
    folder.write("copied/copy-1-0.json", record)
    items = [{"id": "copy-1", "file": "copy/a.jsonl", "objects": 2}]
    _, found = sums.add_up(folder, "copied", items, 0, sums.WorkTotals(), TURN)
    amounts = {
        what: {name: amount[name] for name in ("objects", "bytes")}
        for what, amount in record["tally"].items()
    }
    assert found.tally == amounts and found.requests == dict(sorted(record["requests"].items()))
    assert found.unfinished_objects == max(0, 2 - record["next"]) and found.seconds == float(
        record["seconds"]
    )
    assert found.named == sum(file["objects"] for file in record["failures"])
    json.dumps(found.to_json())


def _add_range(folder: RunFolder, record: dict[str, Any]) -> None:
    wave = write_wave(folder, 1, [{"after": None, "upTo": None}])
    folder.write("compared/1-0001.json", record)
    records, _ = read_wave(folder, {**wave, "index": "ranges/1.json"})
    found = total_of_records(records)
    assert (found.orphans, found.paired) == (record["orphans"], record["paired"])
    assert sum(found.listed.values()) == sum(record["listed"].values())
    assert found.plan["delete"]["objects"] == sum(
        one["objects"] for one in record["shards"].get("delete", ())
    )
    json.dumps(found.books(), allow_nan=False)


TARGETS = (
    Target("lease", draw_lease, accepts_lease),
    Target("run_file", draw_file, accepts_file),
    Target("upload", draw_upload, accepts_upload),
    Target("record", draw_record, accepts_record),
    Target("approved_plan", draw_plan, accepts_plan),
)
