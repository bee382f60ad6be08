"""The list of a dry run is what the run then does: compared with the requests that reach S3, not with our own records."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from fake_s3 import HOUR, MB, Answer
from runs_on_fake_s3 import World

from deployment.step_functions.plan_lines import SIGNS, Plan, lines_in_order, read_plan
from deployment.step_functions.run_report import RunFolder
from lambda_functions.shared.compare import compare, plan_writer
from lambda_functions.shared.s3 import clients
from tests.installations import installed


def dry_run(world: World, **options: Any) -> tuple[list[list[Any]], Plan]:
    """Make a plan; return its list, read as `fab` reads it."""
    report = world.run(dryRun=True, **options)
    assert report["outcome"] == "Succeeded", report
    machine, name = report["report"].split("/")[4:6]
    arn = f"arn:aws:states:eu-west-1:111122223333:execution:{machine}:{name}"
    connected = clients.connect(world.source.region, world.destination.region)
    folder = RunFolder(installed(s3=Owned(connected.work)), arn, world.work.name)
    plan = read_plan(folder, report)
    return list(lines_in_order(folder, plan)), plan


class Owned:
    """A client whose bucket belongs to whom it says."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get_object(self, **parameters: Any) -> Any:
        del parameters["ExpectedBucketOwner"]
        return self._client.get_object(**parameters)


def done(world: World) -> list[tuple[str, str]]:
    """Return what the requests to the destination were about, in the order of keys: copied or deleted."""
    copies = ("CopyObject", "CompleteMultipartUpload")
    found = [
        ("copy", request.key)
        for request in world.s3.sent
        if request.bucket == world.destination.name and request.operation in copies
    ]
    for request in world.s3.of("DeleteObjects"):
        found += [("delete", one["Key"]) for one in request.asked["Delete"]["Objects"]]
    found += [
        ("delete", request.key)
        for request in world.s3.of("DeleteObject")
        if request.bucket == world.destination.name
    ]
    return sorted(found, key=lambda one: one[1])


def fill(world: World) -> None:
    """Objects of every reason, beside some that are equal."""
    source, destination = world.source, world.destination
    for number in range(30):
        source.put(f"new/{number:02}", b"1")
        destination.put(f"orphan/{number:02}", b"1")
    for key in ("equal", "touched", "tagged"):
        destination.put(key, b"same", 2 * HOUR)
        source.put(key, b"same", 3 * HOUR if key != "touched" else HOUR)
    source.objects["touched"].metadata["a"] = "1"
    source.objects["tagged"].tags["a"] = "1"
    destination.put("size", b"12", 2 * HOUR)
    source.put("size", b"1")
    destination.put("content", b"ab", 2 * HOUR)
    source.put("content", b"cd")
    for key, text in (("checksum", b"cd"), ("zz checksum", b"ef")):
        source.put(key, b"ab", checksum="SHA256", encryption="aws:kms", age_seconds=2 * HOUR)
        destination.put(key, text, checksum="SHA256", encryption="aws:kms")
    source.put("unprovable", b"ab", encryption="aws:kms", age_seconds=2 * HOUR)
    destination.put("unprovable", b"ab", encryption="aws:kms")
    source.put_parts("parts", 5 * MB, 1)
    destination.put("orphan\x01", b"1")


def test_the_list_of_a_dry_run_is_line_by_line_what_the_run_then_does(world: World) -> None:
    fill(world)
    listed, plan = dry_run(world, compareTags=True)
    assert {key: reason for key, reason, _ in listed if "/" not in key} == {
        "checksum": "checksum", "content": "content", "orphan\x01": "orphan", "parts": "new", "size": "size",
        "tagged": "tags", "touched": "metadata", "unprovable": "unprovable", "zz checksum": "checksum",
    }  # fmt: skip
    assert {sign: plan.count(sign) for sign in "+*~-"} == {"+": 31, "*": 5, "~": 2, "-": 31}

    world.s3.sent.clear()
    report = world.run(compareTags=True)

    assert report["outcome"] == "Succeeded", report
    planned = [("delete" if SIGNS[reason] == "-" else "copy", key) for key, reason, _ in listed]
    assert done(world) == planned
    assert report["plannedCostUsd"] > 0


def test_a_failed_copy_was_in_the_list_too(world: World) -> None:
    fill(world)
    listed, _ = dry_run(world)
    world.s3.before("CopyObject", Answer(403, "AccessDenied", "No"), key="new/07", times=100)
    world.s3.sent.clear()

    assert world.run()["outcome"] == "SyncIncomplete"
    copies = [("copy", key) for key, reason, _ in listed if reason != "orphan"]
    assert sorted(set(done(world)), key=lambda one: one[1]) == copies


def test_lists_of_many_waves_are_in_order_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every turn ends after its first pages, so that the pieces of the plan are dealt out over many records."""
    monkeypatch.setattr(compare, "BUDGET_SECONDS", (0.0,))
    monkeypatch.setattr(plan_writer, "FIRST_COPY_KEYS", 7)
    monkeypatch.setattr("lambda_functions.shared.s3.listing.PAGE_KEYS", 50)
    for number in range(700):
        (world.source if number % 3 else world.destination).put(f"{number % 10}/{number:03}", b"1")

    listed, plan = dry_run(world)

    assert len({shard["file"].split("/")[1].split("-")[0] for shard in plan.shards}) > 1
    assert [line[0] for line in listed] == sorted(f"{number % 10}/{number:03}" for number in range(700))
    world.s3.sent.clear()
    world.run()
    assert [key for _, key in done(world)] == [line[0] for line in listed]


def test_orphans_that_stay_are_not_in_the_list(world: World) -> None:
    fill(world)
    assert "orphan" not in {line[1] for line in dry_run(world, delete=False)[0]}


def test_the_requests_that_a_plan_is_priced_by_are_those_that_the_run_sends(world: World) -> None:
    fill(world)
    world.source.put("empty", b"")
    before = world.run(dryRun=True, compareTags=True)
    (record,) = [
        json.loads(found.content.body()) for key, found in world.work.objects.items() if "/compared/" in key
    ]
    world.s3.later(3)

    after = world.run(compareTags=True)

    sent = Counter(after["requests"])
    sent.subtract(before["requests"])
    free = ("DELETE", "DELETE_OBJECTS", "HEAD_BUCKET")  # or one for a thousand
    assert {kind: number for kind, number in sent.items() if number and kind not in free} == record["toSend"]
    applying = after["estimatedCostUsd"] - before["estimatedCostUsd"]
    assert before["plannedCostUsd"] == pytest.approx(applying, rel=0.1)
