"""Comparing one key range: reads both listings, decides every key, writes what is to be done as shards, and one record.

Nothing is changed here. A range that is not done when its time is spent hands the rest back, in pieces, for the next wave.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.compare.plan_writer import PlanWriter
from lambda_functions.shared.compare.reading import read_chunks
from lambda_functions.shared.compare.streams import FIRST_EXTRA, LATER_EXTRA, Streams
from lambda_functions.shared.compare.undecided import Resolver
from lambda_functions.shared.compare.waves import Record, range_record_name, wave_of_range
from lambda_functions.shared.errors import RangeBroken, describe_with_bucket, is_permanent
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.option_rules import MAX_KEY_BYTES
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.work_bucket.heartbeat import Heartbeat, counts_of
from lambda_functions.shared.work_bucket.record_shape import require_range
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import turn_summary

# How long a range is compared before it hands back what is left. The first wave is one worker, which is enough for most buckets
# (about a million keys); the next are longer, so that their workers have time to find out where the keys are.
BUDGET_SECONDS = (30.0, 60.0, 120.0, 300.0)
WRITERS = 4


def budget_seconds(wave: int) -> float:
    """Return the time budget of a wave, counted from 1."""
    return BUDGET_SECONDS[min(wave, len(BUDGET_SECONDS)) - 1]


def compare_once(clients: Clients, run: Run, range_id: str, key_range: KeyRange, turn: Turn) -> Record:
    """Leave a record of a range, unless there is one already; return it."""
    folder, name = RunFolder.of(clients.work, run), range_record_name(range_id)
    earlier: Record | None = folder.read(name)
    record = earlier or folder.write_once(name, compare(clients, run, range_id, key_range, turn))
    return require_range(folder, name, record)


def compare(
    clients: Clients,
    run: Run,
    range_id: str,
    key_range: KeyRange,
    turn: Turn,
    folder: RunFolder | None = None,
    writer: type[PlanWriter] = PlanWriter,
) -> dict[str, Any]:
    """Return the record of a range: what is current, which shards hold the plan, and what is handed back.

    The shards are written by `writer`, into another folder than the run's own if one is given.
    """
    streams = Streams(
        key_range,
        most_bytes=MAX_KEY_BYTES - _prefix_bytes(run),
        first_extra=FIRST_EXTRA if wave_of_range(range_id) == 1 else LATER_EXTRA,
    )
    folder = folder or RunFolder.of(clients.work, run)
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="shards") as writers:
        plan = writer.of(folder, run, range_id, turn.attempt, writers)
        with Heartbeat(folder, range_id, range_record_name(range_id)) as heartbeat:
            broken = _compare_until_deadline(clients, run, streams, turn, plan, heartbeat)
        return {
            "range": {"id": range_id, **key_range.to_json()},
            "broken": broken and f"{describe_range(run, key_range)} could not be compared: {broken}",
            "decided": [part.to_json() for part in streams.decided()],
            "handedBack": [] if broken else [part.to_json() for part in streams.remaining()],
            "unusualPages": clients.requests.unusual_pages,
            **plan.close(),
            **turn_summary(plan.tally, plan.failures, turn, clients),
        }


def _prefix_bytes(run: Run) -> int:
    return max(len(side.prefix.encode()) for side in (run.source, run.destination))


def _compare_until_deadline(
    clients: Clients, run: Run, streams: Streams, turn: Turn, plan: PlanWriter, heartbeat: Heartbeat
) -> str:
    """Decide keys until all are decided or the turn is over; return what keeps the range from being compared, "" if nothing."""
    resolver = Resolver(clients, run)
    try:
        for chunk in read_chunks(clients, run, streams, turn):
            plan.decide_all(chunk, resolver)
            heartbeat.beat(counts_of(plan.tally, plan.keys()))
        plan.collect(resolver, all_of_them=True)
    except (RangeBroken, ClientError) as error:
        if isinstance(error, ClientError) and not is_permanent(error):
            raise
        return describe_with_bucket(error)
    finally:
        resolver.close()
    return ""


def describe_range(run: Run, key_range: KeyRange) -> str:
    """Return what a person is told of a range: `s3://from/ -> s3://into/ (keys after 'a' up to 'm')`."""
    after = f" after {key_range.after!r}" if key_range.after is not None else ""
    up_to = f" up to {key_range.up_to!r}" if key_range.up_to is not None else ""
    whole = "the whole prefix" if run.source.prefix else "the whole bucket"
    keys = f"keys{after}{up_to}" if after or up_to else whole
    return f"{run.source.address()} -> {run.destination.address()} ({keys})"
