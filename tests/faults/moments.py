"""Faults at moments of a run on the fake S3: stops, other writers, files of the run, clocks."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from fake_place import FOLDER, FakePlace, Stopped, fake_place
from fake_s3 import HOUR, Request
from fault_oracle import Oracle
from scenarios import Scenario

STOP = f"{FOLDER}/stop.json"
# Files that have the names of what is to be copied, and those that lead there.
WITH_NAMES = ("compared/", "copy/", "copy.json", "large/", "large.json")
OTHER_BODY = b"by another writer"


class RacedPlace(Protocol):
    """A place with another writer: its buckets have `put(key, body, age_seconds)` and `delete(key)`."""

    source: Any
    destination: Any
    oracle: Oracle


def arm_stop(place: FakePlace, row: Scenario) -> None:
    """Stop the run before a step or after a request: `fab stop` writes a file, StopExecution just ends everything."""

    def strike() -> None:
        place.fired += 1
        if row.fault == "StopExecution":
            raise Stopped
        place.world.work.put(STOP, json.dumps({"file": STOP, "endsMap": False}).encode())

    _at(place, row.target, strike)


def arm_race(place: FakePlace, row: Scenario) -> None:
    """Let another writer act at a moment, once."""

    def strike() -> None:
        place.fired += 1
        RACES[row.fault](place)

    _at(place, row.target, strike)


def _at(place: FakePlace, moment: str, strike: Callable[[], None]) -> None:
    """Strike once: `before STEP`, or `before OPERATION@bucket:key`, or `after` such a request."""
    when, _, what = moment.partition(" ")
    if "@" not in what:
        return _before_step(place, what, strike)
    operation, _, where = what.partition("@")
    bucket, _, key = where.partition(":")
    place_in = {"bucket": f"{bucket}-bucket", **({"key": key} if key else {})}
    setter = place.world.s3.before if when == "before" else place.world.s3.after

    def act(request: Request) -> None:
        strike()

    return setter(operation, act, **place_in)


def _before_step(place: FakePlace, wanted: str, strike: Callable[[], None]) -> None:
    seen: list[str] = []

    def look(step: str, number: int) -> None:
        if step == wanted and wanted not in seen:
            seen.append(step)
            strike()

    place.world.before_step = look


def _write_there(place: RacedPlace, key: str, body: bytes | None = OTHER_BODY) -> None:
    there = place.destination
    there.delete(key) if body is None else there.put(key, body, 0)
    place.oracle.see_other(key)


def _write_here(place: RacedPlace, key: str, body: bytes | None = OTHER_BODY) -> None:
    here = place.source
    here.delete(key) if body is None else here.put(key, body, 0)
    place.oracle.see_source()


def _come_back(place: RacedPlace) -> None:
    _write_here(place, "in/orphan-1", b"back")
    place.oracle.see_other("to/orphan-1")


RACES: dict[str, Callable[[RacedPlace], None]] = {
    "destination appears": lambda place: _write_there(place, "to/new-2"),
    "destination of parts appears": lambda place: _write_there(place, "to/parts"),
    "very large destination appears": lambda place: _write_there(place, "to/wide"),
    "destination changes": lambda place: _write_there(place, "to/changed"),
    "destination is gone": lambda place: _write_there(place, "to/changed", None),
    "source changes": lambda place: _write_here(place, "in/new-2"),
    "source of parts changes": lambda place: _write_here(place, "in/parts"),
    "very large source changes": lambda place: _write_here(place, "in/wide"),
    "source is gone": lambda place: _write_here(place, "in/new-2", None),
    "source of parts is gone": lambda place: _write_here(place, "in/parts", None),
    "very large source is gone": lambda place: _write_here(place, "in/wide", None),
    "source appears": lambda place: _write_here(place, "in/zzz"),
    "orphan is rewritten": lambda place: _write_there(place, "to/orphan-1"),
    "odd orphan is rewritten": lambda place: _write_there(place, "to/odd\x01orphan"),
    "orphan is gone": lambda place: _write_there(place, "to/orphan-1", None),
    "orphan is back at the source": _come_back,
}


def arm_file(place: FakePlace, row: Scenario) -> None:
    """Damage the first file of a kind before the first step that finds it."""

    def look(step: str, number: int) -> None:
        found = [key for key in place.world.work.objects if key.startswith(_start(row.target))]
        if found and not place.fired:
            place.fired += 1
            _damage(place, row, sorted(found)[0])

    place.world.before_step = look


def _start(kind: str) -> str:
    return kind if kind == "leases/" else f"{FOLDER}/{kind}"


def _damage(place: FakePlace, row: Scenario, key: str) -> None:
    place.oracle.has_plan = row.target not in WITH_NAMES
    work = place.world.work
    body = damaged(row, work.objects[key].content.body())
    work.delete(key) if body is None else work.put(key, body)


def damaged(row: Scenario, body: bytes) -> bytes | None:
    """Return what the fault of a row leaves of a file; None where that is nothing at all."""
    if row.fault == "removed":
        return None
    if row.fault == "emptied":
        return b""
    return body[: len(body) // 2] if row.fault == "cut" else of_another_run()[row.target]


@functools.cache
def of_another_run() -> dict[str, bytes]:
    """Return a file of every kind from a run of other keys."""
    kept: dict[str, bytes] = {}

    def keep(place: FakePlace) -> None:
        for key, stored in place.world.work.objects.items():
            kind = "leases/" if key.startswith("leases/") else _kind(key)
            kept.setdefault(kind, stored.content.body())

    with fake_place(is_distributed=True) as place:
        for number in range(5):
            place.world.source.put(f"in/of-another-run-{number}", b"other")
            place.world.destination.put(f"to/same-{number}1", b"other")
        place.world.before_step = lambda step, number: keep(place)
        place.run()
        keep(place)
    return kept


def _kind(key: str) -> str:
    name = key.removeprefix(f"{FOLDER}/")
    if name.startswith("large/") and not name.endswith(".jsonl"):
        return "large/large-"
    return name.partition("/")[0] + "/" if "/" in name else name


def arm_clock(place: FakePlace, row: Scenario) -> None:
    """Set a clock wrong; S3's own is set when the place is made. Each comes with a worker that dies after a write."""
    hours = float(row.amount.split()[0])
    world = place.world
    place.fired += 1
    if row.fault == "clock of Step Functions":
        world.ahead_seconds = hours * HOUR
    elif row.fault.startswith("dates"):
        # Without this the metadata of a copy that looks newer than its source are not compared.
        place.options["compareMetadata"] = "all"
    if row.fault == "dates of the source":
        _shift(place, "source", hours)
    elif row.fault == "dates of the destination":
        _shift(place, "destination", hours)
    operation, _, rest = row.target.partition("@")
    if rest:
        world.s3.kill(operation, after=True, bucket=f"{rest}-bucket")


def _shift(place: FakePlace, name: str, hours: float) -> None:
    bucket: Any = getattr(place.world, name)
    for key, stored in bucket.objects.items():
        bucket.alter(key, modified=stored.modified + timedelta(hours=hours))
