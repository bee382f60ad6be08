"""What a run has cost, item by item, estimated from what it sent and how long its workers ran; and what a plan is going to cost.

The items are `lists`, `reads`, `writes.<storage class>`, `transfer` between regions, `retrieval`, `restore`, `earlyDeletion`,
`kms`, `lambda` and `states`; one that costs nothing is not there. Retrieval, restores and transfer are at the prices of the
source's region, what else S3 asks for at those of the destination's, and the rest at those of us-east-1. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lambda_functions.shared.option_rules import KMS_WORDS
from lambda_functions.shared.outcomes import add_counts, object_count
from lambda_functions.shared.run import Run
from lambda_functions.shared.tally.cost.prices import (
    GB,
    KMS_REQUEST_USD,
    LAMBDA_GB_SECOND_USD,
    LAMBDA_REQUEST_USD,
    REGIONS,
    STANDARD,
    STATE_TRANSITION_USD,
    US_EAST_1,
    PriceList,
    price_list,
)
from lambda_functions.shared.tally.plan import RESTORE, ComparisonTotals
from lambda_functions.shared.tally.sums import WorkTotals

FREE = ("DELETE", "DELETE_OBJECTS", "ABORT_MULTIPART_UPLOAD")
# Priced by class and tier, as the item `restore`.
BY_TIER = ("RESTORE_OBJECT",)
READ_CLASS = (
    "HEAD",
    "HEAD_BUCKET",
    "GET",
    "GET_OBJECT_ATTRIBUTES",
    "GET_OBJECT_TAGGING",
    "GET_BUCKET_TAGGING",
    "GET_OBJECT_LOCK_CONFIGURATION",
    "GET_OBJECT_RETENTION",
    "GET_OBJECT_LEGAL_HOLD",
    "GET_OBJECT_ANNOTATION",
)
LISTS = ("LIST", "LIST_PARTS", "LIST_MULTIPART_UPLOADS", "LIST_OBJECT_ANNOTATIONS")
# What S3 asks KMS for, where copies are encrypted by a key of it and the bucket has no bucket key: once for each of these.
ENCRYPTING = ("COPY", "UPLOAD_PART_COPY")
# Memory of the workers, which their front matter sets, and state transitions of one child of a Map (its start, a Task, a Choice).
WORKER_GB = 1769 / 1024
TRANSITIONS_PER_TURN = 3
TRANSITIONS_OF_PARENT = 20
# A cold start, which is billed: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
INIT_SECONDS = 0.4
# What a plan supposes of one worker: copies (parts too) and deletes in a second. Their Lambda time is two or three per cent of
# what their requests cost, so that this may be wrong by half without making the estimate wrong.
COPIES_PER_SECOND = 150
DELETES_PER_SECOND = 500
KEYS_PER_DELETE = 1000
# The month by which storage is priced.
DAYS_PER_MONTH = 30

Items = dict[str, float]
Counts = Mapping[str, int]

# What the execution itself takes.
PARENT: Items = {"states": TRANSITIONS_OF_PARENT * STATE_TRANSITION_USD}


@dataclass(frozen=True)
class Work:
    """What is priced: requests by kind, workers' turns, and their seconds in all."""

    requests: Counts
    turns: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Mix:
    """Of which storage classes planned requests are: of `planned` ones by kind, those in `by_class` (`COPY.GLACIER_IR`)."""

    planned: Counts = field(default_factory=dict)
    by_class: Counts = field(default_factory=dict)

    def shares(self, kind: str) -> dict[str, float]:
        """Return which share of the requests of a kind is of which class; all of them are STANDARD where nothing is known."""
        of_class = {
            name.partition(".")[2]: count / self.planned[kind]
            for name, count in self.by_class.items()
            if name.partition(".")[0] == kind and self.planned.get(kind)
        }
        return {STANDARD: 1 - sum(of_class.values()), **of_class}


def run_cost(run: Run, compared: ComparisonTotals, done: WorkTotals, others: Counts) -> Items:
    """Return what a run has cost: `others` are requests that no record counts. The classes are those that its plan knows of."""
    comparing = Work(add_counts([compared.requests, others]), compared.turns, compared.seconds)
    applying = Work(done.requests, done.turns, done.seconds)
    copied, deleted = done.tally.get("copied", {}), done.tally.get("deleted", {})
    return add_items(
        [
            _work_cost(run, comparing, Mix()),
            _work_cost(run, applying, _mix(compared)),
            _moving_cost(run, compared, copied.get("bytes", 0)),
            _restore_cost(run, compared, object_count(done.tally, "restoring")),
            _early_cost(run, compared, copied.get("objects", 0), deleted.get("objects", 0)),
            PARENT,
        ]
    )


def planned_cost(run: Run, compared: ComparisonTotals) -> Items:
    """Return what carrying out a plan is going to cost: one turn for each shard or large object.

    What the run that carries it out costs besides, comparing, is not in it.
    """
    copy, delete = compared.plan["copy"], compared.plan["delete"]
    restores = object_count(compared.plan, RESTORE)
    turns = sum(len(compared.shards[kind]) for kind in ("copy", "delete", RESTORE))
    turns += sum(shard["objects"] for shard in compared.shards["large"])
    batches = sum(-(-shard["objects"] // KEYS_PER_DELETE) for shard in compared.shards["delete"])
    sent = {**compared.to_send, **({"HEAD_BUCKET": batches} if batches else {})}
    copies = sum(compared.to_send.get(kind, 0) for kind in ENCRYPTING)
    seconds = (copies + restores) / COPIES_PER_SECOND + delete["objects"] / DELETES_PER_SECOND
    return add_items(
        [
            _work_cost(run, Work(sent, turns, seconds), _mix(compared)),
            _moving_cost(run, compared, copy["bytes"]),
            _restore_cost(run, compared, restores),
            _early_cost(run, compared, copy["objects"], delete["objects"]),
        ]
    )


def comparing_usd(run: Run, compared: ComparisonTotals) -> float:
    """Return dollars that comparing has cost; nothing where a plan is carried out."""
    work = Work(compared.requests, compared.turns, compared.seconds)
    return total_usd(_work_cost(run, work, Mix()))


def estimate_usd(requests: Counts, turns: int, seconds: float) -> float:
    """Return dollars of S3 requests by kind, for STANDARD in us-east-1, and of `turns` warm workers that ran `seconds` in all."""
    requested = _request_cost(requests, Mix(), price_list(US_EAST_1))
    return total_usd(add_items([requested, _worker_cost(Work(requests, turns, seconds)), PARENT]))


def total_usd(items: Items) -> float:
    """Return dollars, rounded to a millionth."""
    return round(sum(items.values()), 6)


def add_items(costs: Iterable[Items]) -> Items:
    """Return the sums by item, those that cost something, in the order of their names."""
    sums: Counter[str] = Counter()
    for items in costs:
        for name, usd in items.items():
            sums[name] += usd  # type: ignore[assignment]
    return {name: rounded for name, usd in sorted(sums.items()) if (rounded := round(usd, 8))}


def request_usd(kind: str, storage_class: str = STANDARD, prices: PriceList = REGIONS[US_EAST_1]) -> float:
    """Return the price of one request; kinds that nobody listed count as writes."""
    if kind in FREE or kind in BY_TIER:
        return 0.0
    return prices.read_usd(storage_class) if kind in READ_CLASS else prices.write_usd(storage_class)


def _work_cost(run: Run, work: Work, mix: Mix) -> Items:
    requested = _request_cost(work.requests, mix, price_list(run.destination.region))
    return add_items([requested, _worker_cost(work, _starts(run, work.turns)), _kms_cost(run, work.requests)])


def _request_cost(requests: Counts, mix: Mix, prices: PriceList) -> Items:
    return add_items(
        {_item(kind, storage_class): count * share * request_usd(kind, storage_class, prices)}
        for kind, count in requests.items()
        for storage_class, share in mix.shares(kind).items()
    )


def _item(kind: str, storage_class: str) -> str:
    if kind in LISTS:
        return "lists"
    return "reads" if kind in READ_CLASS else f"writes.{storage_class}"


def _worker_cost(work: Work, starts: int = 0) -> Items:
    gb_seconds = (work.seconds + starts * INIT_SECONDS) * WORKER_GB
    return {
        "lambda": gb_seconds * LAMBDA_GB_SECOND_USD + work.turns * LAMBDA_REQUEST_USD,
        "states": work.turns * TRANSITIONS_PER_TURN * STATE_TRANSITION_USD,
    }


def _kms_cost(run: Run, requests: Counts) -> Items:
    """Return what KMS asks for where the input says that copies are under a key of it; a default of the bucket is not known."""
    if run.options.serverSideEncryption not in KMS_WORDS:
        return {}
    return {"kms": sum(requests.get(kind, 0) for kind in ENCRYPTING) * KMS_REQUEST_USD}


def _moving_cost(run: Run, compared: ComparisonTotals, copied_bytes: int) -> Items:
    """Return what it costs that so many bytes leave their storage class, and their region where the destination is in another."""
    prices, (here, there) = price_list(run.source.region), (run.source.region, run.destination.region)
    is_transferred = here and there and here != there
    share = _share(copied_bytes, compared.plan["copy"]["bytes"])
    retrieved = compared.to_pay.get("retrieved", {})
    return {
        "transfer": copied_bytes / GB * prices.transfer_usd(there) if is_transferred else 0.0,
        "retrieval": share
        * sum(size / GB * prices.retrieval.get(name, 0.0) for name, size in retrieved.items()),
    }


def _restore_cost(run: Run, compared: ComparisonTotals, asked_for: int) -> Items:
    """Return what it costs that so many of the planned restores are asked for; their sizes are taken to be alike."""
    restore, prices = run.options.restore, price_list(run.source.region)
    if restore is None:
        return {}
    planned = sum(
        prices.restore_usd(name, amount["objects"], amount["bytes"], restore.tier_of(name))
        for name, amount in compared.restores.items()
    )
    share = _share(asked_for, object_count(compared.plan, RESTORE))
    return {"restore": share * planned}


def _early_cost(run: Run, compared: ComparisonTotals, copied: int, deleted: int) -> Items:
    """Return what is charged for objects that are replaced or deleted before their class's least time is over."""
    prices, early = price_list(run.destination.region), compared.to_pay.get("early", {})
    shares = {
        "copy": _share(copied, compared.plan["copy"]["objects"]),
        "delete": _share(deleted, compared.plan["delete"]["objects"]),
    }
    usd = 0.0
    for name, byte_days in early.items():
        what, _, storage_class = name.partition(".")
        usd += shares[what] * byte_days / GB / DAYS_PER_MONTH * prices.storage.get(storage_class, 0.0)
    return {"earlyDeletion": usd}


def _mix(compared: ComparisonTotals) -> Mix:
    return Mix(compared.to_send, compared.to_pay.get("byClass", {}))


def _share(part: int, whole: int) -> float:
    return min(part / whole, 1.0) if whole else 0.0


def _starts(run: Run, turns: int) -> int:
    """Return how many of so many turns begin with a cold start: each worker's first."""
    return min(turns, run.options.maxConcurrency)
