"""The estimate of a plan, the report of the run that carries it out, and what really reached S3: the same money, item by item.

On the fake S3, with 5,000 objects. What reached it is priced here a second time, from the requests and the buckets themselves, by
prices that are written down here again. Lambda's item is left out, because the seconds of this machine are not those of AWS;
state transitions are no requests to S3, so they are compared between plan and report only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from fake_s3 import HOUR, MB, Request, Stored
from installed_botocore import needs_conditions_in_batches
from runs_on_fake_s3 import World

OBJECTS = 5000
# Each takes several requests.
OBJECTS_IN_PARTS = 1000
GB = 1024**3
MOST = 0.02
DAY = 24 * HOUR
# US dollars for a million requests, for a GB, for a GB and month: https://aws.amazon.com/s3/pricing/
WRITES = {"STANDARD": 5.0, "STANDARD_IA": 10.0, "GLACIER_IR": 20.0, "GLACIER": 30.0, "DEEP_ARCHIVE": 50.0}
READS = {"STANDARD": 0.4, "STANDARD_IA": 1.0, "GLACIER_IR": 10.0}
RETRIEVAL = {"STANDARD_IA": 0.01, "GLACIER_IR": 0.03}
LEAST = {"STANDARD_IA": (30, 0.0125), "GLACIER_IR": (90, 0.004), "GLACIER": (90, 0.0036)}
TRANSFER, KMS_REQUEST = 0.02, 0.03 / 10_000
LISTS, FREE = ("ListObjectsV2",), ("DeleteObject", "DeleteObjects", "AbortMultipartUpload")
PARTS = ("CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")


class Bill:
    """What AWS would charge for requests, given what both buckets held before them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.source, self.destination = dict(world.source.objects), dict(world.destination.objects)
        self.began: datetime = world.s3.clock
        self.items: Counter[str] = Counter()
        self.uploads: dict[str, str] = {}

    def add(self, item: str, usd: float) -> None:
        self.items[item] += usd  # type: ignore[assignment]

    def request(self, request: Request) -> None:
        """Charge for one request."""
        operation, key = request.operation, request.key
        if operation in FREE:
            self._gone(request)
        elif operation in LISTS:
            self.add("lists", WRITES["STANDARD"] / 10**6)
        elif operation == "CopyObject" or operation in PARTS:
            self._write(request)
        else:
            there = self.source.get(key) if request.bucket == self.world.source.name else None
            storage_class = there.storage_class if there else "STANDARD"
            self.add("reads", READS.get(storage_class, READS["STANDARD"]) / 10**6)

    def _write(self, request: Request) -> None:
        operation, key = request.operation, request.key
        if operation == "CreateMultipartUpload":
            self.uploads[key] = request.asked.get("StorageClass", "STANDARD")
        written = self.uploads[key] if operation in PARTS else request.asked.get("StorageClass", "STANDARD")
        if operation in PARTS[:2] and written in ("GLACIER", "DEEP_ARCHIVE"):
            written = "STANDARD"
        self.add(f"writes.{written}", WRITES[written] / 10**6)
        if operation in ("CopyObject", "UploadPartCopy") and self._is_under_kms(key):
            self.add("kms", KMS_REQUEST)
        if operation in ("CopyObject", "CompleteMultipartUpload"):
            source = self.source[key]
            self.add("retrieval", source.size / GB * RETRIEVAL.get(source.storage_class, 0.0))
            if self.world.source.region != self.world.destination.region:
                self.add("transfer", source.size / GB * TRANSFER)
            self._early(self.destination.get(key))

    def _is_under_kms(self, key: str) -> bool:
        return self.world.destination.objects[key].encryption == "aws:kms"

    def _gone(self, request: Request) -> None:
        for deleted in request.asked.get("Delete", {}).get("Objects", ()):
            self._early(self.destination[deleted["Key"]])

    def _early(self, gone: Stored | None) -> None:
        if gone is None or gone.storage_class not in LEAST:
            return
        days, usd = LEAST[gone.storage_class]
        left = max(0.0, days - (self.began - gone.modified).total_seconds() / DAY)
        size = max(gone.size, 0 if gone.storage_class == "GLACIER" else 128 * 1024)
        self.add("earlyDeletion", size / GB * left / 30 * usd)


def one_piece(world: World) -> dict[str, Any]:
    """Objects of several classes, some empty, some that replace others, and orphans of classes with a least time."""
    world.source.region = world.destination.region
    classes = ("STANDARD", "STANDARD", "STANDARD_IA", "GLACIER_IR", "STANDARD")
    for number in range(OBJECTS):
        key, storage_class = f"{number:05}", classes[number % 5]
        world.source.put(key, 0 if number % 50 == 2 else 1000, storage_class=storage_class)
        if number % 10 == 0:
            world.destination.put(key, 300_000, 20 * DAY, storage_class="STANDARD_IA")
    for number in range(300):
        old = ("GLACIER", "GLACIER_IR", "STANDARD")[number % 3]
        world.destination.put(f"orphan/{number:03}", 500_000, 45 * DAY, storage_class=old)
    return {}


def parts(world: World) -> dict[str, Any]:
    """Objects of two parts, some of them of STANDARD_IA, which become ones of GLACIER under a key of KMS."""
    world.source.region = world.destination.region
    for number in range(OBJECTS_IN_PARTS):
        storage_class = "STANDARD_IA" if number % 4 == 0 else "STANDARD"
        world.source.put_parts(f"{number:05}", 5 * MB, 1 + number, storage_class=storage_class)
    return {"storageClass": "GLACIER", "serverSideEncryption": "aws:kms"}


def two_regions(world: World) -> dict[str, Any]:
    """Objects of 1 MB and more in another region, some of them current already."""
    for number in range(OBJECTS):
        world.source.put(f"{number:05}", MB + number, 2 * HOUR)
    for number in range(0, OBJECTS, 5):
        there = world.source.objects[f"{number:05}"]
        world.destination.put(there.key, there.content)
    return {"storageClass": "STANDARD_IA"}


@needs_conditions_in_batches
@pytest.mark.parametrize(
    ("fill", "items"),
    [
        (
            one_piece,
            "earlyDeletion lists reads retrieval writes.GLACIER_IR writes.STANDARD writes.STANDARD_IA",
        ),
        (parts, "kms lists reads retrieval writes.GLACIER writes.STANDARD"),
        (two_regions, "lists reads transfer writes.STANDARD_IA"),
    ],
)
def test_a_plan_costs_what_is_estimated_and_reported_of_it(
    world: World, fill: Callable[[World], dict[str, Any]], items: str
) -> None:
    options = fill(world)
    before = world.run(dryRun=True, **options)
    bill, already = Bill(world), len(world.s3.sent)

    after = world.run(**options)

    assert (before["outcome"], after["outcome"]) == ("Succeeded", "Succeeded"), after
    for request in world.s3.sent[already:]:
        if request.bucket != world.work.name:
            bill.request(request)
    charged = {name: usd for name, usd in bill.items.items() if round(usd, 8)}
    estimated = Counter(before["cost"]) + Counter(before["plannedCost"])
    assert sorted(charged) == items.split()
    assert set(estimated) == set(after["cost"]) == {*charged, "lambda", "states"}
    for name, usd in charged.items():
        # Two comparisons of the same buckets may differ by a LIST or two, which are a thousandth of what it costs.
        other_lists = 2 * WRITES["STANDARD"] / 10**6 if name == "lists" else 0
        assert estimated[name] == pytest.approx(usd, rel=MOST, abs=other_lists), name
        assert after["cost"][name] == pytest.approx(usd, rel=MOST), name
    assert after["cost"]["states"] == pytest.approx(estimated["states"], rel=MOST)
    for known in (estimated, after["cost"]):
        assert _without_lambda(known) == pytest.approx(sum(charged.values()) + known["states"], rel=MOST)
    assert after["estimatedCostUsd"] == pytest.approx(sum(after["cost"].values()), abs=1e-6)
    assert before["plannedCostUsd"] == pytest.approx(sum(before["plannedCost"].values()), abs=1e-6)


def _without_lambda(items: Mapping[str, float]) -> float:
    return sum(usd for name, usd in items.items() if name != "lambda")
