"""Workers and whole runs on the fake S3: one worker in a test's hand, or all handlers in the order of the state machine.

That order is repeated here in a few lines, because moto's interpreter talks to moto's S3 only; that the state machine has it is
shown on moto (`test_sync.py`). Each Task is tried four times, as `Retry` says, and what is left goes to where `Catch` leads.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest import mock

from fake_s3 import Bucket, FakeS3, Stored, fake_s3
from samples import run_of
from workers import Killed

from lambda_functions.shared.apply.copier import Copier
from lambda_functions.shared.apply.deleter import Deleter
from lambda_functions.shared.apply.large_objects import LargeObject
from lambda_functions.shared.apply.uploads import abort_all
from lambda_functions.shared.compare.compare import compare
from lambda_functions.shared.compare.plan_writer import to_copy
from lambda_functions.shared.equality import Decision
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.plan_input import names_plan
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.listing import Entry, KeyRange
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_items import ToCopy, ToDelete

TRIES = 4
MAX_TURNS = 10
TURN_SECONDS = 870.0
_numbers = itertools.count(1)


@dataclass
class Context:
    """Lambda's context: all the time of a timeout, and a name for this attempt."""

    remaining_ms: int = 900_000
    aws_request_id: str = field(default_factory=lambda: f"attempt-{next(_numbers)}")

    def get_remaining_time_in_millis(self) -> int:
        """Return the same time whenever asked."""
        return self.remaining_ms


@dataclass(frozen=True)
class Worker:
    """What one invocation has in hand."""

    clients: clients.Clients
    run: Run
    folder: RunFolder
    turn: Turn

    def copy(self, item: ToCopy) -> Outcome:
        """Copy one object."""
        return Copier(self.clients, self.run, self.folder, self.turn).copy(item)

    def delete(self, items: Sequence[ToDelete]) -> list[Outcome]:
        """Delete orphans; return the outcomes by key."""
        outcomes = Deleter(self.clients, self.run, self.turn).delete(items)
        return sorted(outcomes, key=lambda outcome: outcome.key)

    def compare(self) -> dict[str, Any]:
        """Compare everything; return the record."""
        return compare(self.clients, self.run, "1-0001", KeyRange(None, None), self.turn)

    def large(self, name: str = "large-000001") -> LargeObject:
        """Return the steps of one very large object."""
        return LargeObject(self.clients, self.run, self.folder, self.turn, name)

    def planned(self, record: Mapping[str, Any], kind: str) -> list[Any]:
        """Return the lines of a record's shards."""
        return [line for shard in record["shards"][kind] for line in self.folder.read_lines(shard)]

    def abort_all(self) -> list[str]:
        """Abort what is left under way, as the report does."""
        return abort_all(self.folder, self.clients.destination)


@dataclass
class World:
    """A fake S3 with three buckets; `slept` is what workers would have slept, `elapsed_seconds` the clock of their turns.

    `before_step` is called before every invocation of a handler and before a Map reads its index, with what is about to happen
    (`tally_run copies`, `Map of copy.json`) and its number in the run. `name` is that of the next execution. The clock of Step
    Functions is `ahead_seconds` before that of S3.
    """

    s3: FakeS3
    source: Bucket
    destination: Bucket
    work: Bucket
    slept: list[float] = field(default_factory=list)
    elapsed_seconds: float = 0.0
    before_step: Callable[[str, int], None] = lambda step, number: None
    name: str = ""
    ahead_seconds: float = 0.0
    run_retention_days: int = 30
    _steps: int = 0

    def worker(self, **options: Any) -> Worker:
        """Return a worker of a run that begins now."""
        execution = {**_execution("by hand"), "startTime": self.s3.clock.isoformat()}
        run = run_of(execution, source=self.source.name, destination=self.destination.name, **options)
        connected = clients.connect(self.source.region, self.destination.region)
        turn = Turn(0, TURN_SECONDS, Context().aws_request_id, lambda: self.elapsed_seconds)
        return Worker(connected, run, RunFolder.of(connected.work, run), turn)

    def to_copy(self, key: str) -> ToCopy:
        """Return what a copier gets for a key as both buckets have it now."""
        there = self.destination.objects.get(key)
        reason = Decision.CONTENT if there else Decision.NEW
        return to_copy(entry_of(self.source.objects[key]), there and entry_of(there), reason)

    def orphan(self, key: str) -> ToDelete:
        """Return what a deleter gets for a key as the destination has it now."""
        stored = self.destination.objects[key]
        return ToDelete(key, stored.etag, stored.size)

    def orphans(self) -> list[ToDelete]:
        """Return what a deleter gets for everything in the destination."""
        return list(map(self.orphan, self.destination.keys()))

    def sent(self) -> dict[str, int]:
        """Return the requests to source and destination, by kind."""
        return self.s3.counts(self.source.name, self.destination.name)

    def run(self, **options: Any) -> dict[str, Any]:
        """Run to the end; return the report. A second passes first."""
        self.s3.later()
        self._steps = 0
        execution = _execution(self.name or f"run-{next(_numbers)}")
        state: dict[str, Any] = {
            "execution": {
                **execution,
                "startTime": (self.s3.clock + timedelta(seconds=self.ahead_seconds)).isoformat(),
            },
            "input": options
            if names_plan(options)
            else {"source": self.source.name, "destination": self.destination.name, **options},
        }
        defaults = {"maxConcurrency": 4, "maxDelete": None, "runRetentionDays": self.run_retention_days}
        with _caught(state):
            state["run"] = self._invoke("validate_input", {**state, "defaults": defaults})
        if (state.get("run") or {}).get("verdict") == "valid":
            self._compare(state)
        if (state.get("comparison") or {}).get("next") == "apply":
            self._apply(state)
        if any(
            (state.get(slot) or {}).get("next") == "verify" for slot in ("comparison", "copies", "deletes")
        ):
            self._verify(state)
        report: dict[str, Any] = self._tally("report", state)["report"]
        return report

    def _compare(self, state: dict[str, Any]) -> None:
        with _caught(state):
            state["comparison"] = self._invoke("list_ranges", state)
            while state["comparison"]["next"] == "compare":
                for one in self._items(state["comparison"]["index"]):
                    event = {**state, "range": one, "wave": state["comparison"]["wave"]}
                    with self._child(state, one):
                        self._invoke("compare_listings", event)
                state["comparison"] = self._tally("comparison", state)

    def _apply(self, state: dict[str, Any]) -> None:
        plan = state["comparison"]
        with _caught(state):
            self._shards("copy_keys", state, plan["copy"])
            for item in self._items(plan["large"]["index"]):
                self._large(state, item)
        self._tally_all("copies", state)
        if (state.get("copies") or {}).get("next") == "delete":
            with _caught(state):
                self._shards("delete_orphaned_keys", state, plan["delete"])
            self._tally_all("deletes", state)

    def _verify(self, state: dict[str, Any]) -> None:
        try:
            state["verification"] = self._invoke("list_ranges", {"phase": "verify", "state": state})
        except (Exception, Killed) as error:
            state["verification"] = _error(error)

    def _shards(self, name: str, state: Mapping[str, Any], index: Mapping[str, Any]) -> None:
        """Work through shards as either Map does: an inline one has their pointers, and goes on after a broken copy."""
        is_inline = index.get("map") == "INLINE"
        shards = self._items(index["index"])
        for shard in index["inline"] if is_inline else shards:
            turn = {"next": 0, "turns": 0, "done": False, "fail": False}
            with self._child(state, shard, goes_on=is_inline and name == "copy_keys"):
                while not turn["done"]:
                    assert turn["turns"] < MAX_TURNS or not is_inline, "an inline shard is given up here"
                    where = {"start": turn["next"], "turns": turn["turns"]}
                    turn = self._invoke(name, {"run": state["run"], "shard": shard, **where})
            if turn["fail"] and not is_inline:
                raise ExceedToleratedFailureThreshold

    def _large(self, state: Mapping[str, Any], item: Mapping[str, Any]) -> None:
        event = {"run": state["run"], "item": item}
        nothing = {"line": None, "exact": False, "tries": 0, "upload": "", "groups": []}
        upload: dict[str, Any] = {"verdict": "again", **nothing}
        try:
            while upload["verdict"] == "again":
                upload = self._invoke("copy_large_object", {**event, "step": "begin", "upload": upload})
                if upload["verdict"] == "copy":
                    for group in upload["groups"]:
                        step = {**event, "step": "parts", "upload": upload, "group": group}
                        self._invoke("copy_large_object", step)
                    upload = self._invoke(
                        "copy_large_object", {**event, "step": "complete", "upload": upload}
                    )
            if upload["verdict"] == "stop":
                raise ExceedToleratedFailureThreshold
        except ExceedToleratedFailureThreshold:
            raise
        except (Exception, Killed) as error:
            with self._child(state, item):
                self._invoke(
                    "copy_large_object", {**event, "step": "abort", "upload": upload, "error": _error(error)}
                )

    @contextlib.contextmanager
    def _child(
        self, state: Mapping[str, Any], item: Mapping[str, Any], goes_on: bool = False
    ) -> Iterator[None]:
        """What a child of a Map does with an error: it leaves word of it, and its Map says only that a child failed."""
        try:
            yield
        except (Exception, Killed) as error:
            self._tally("broken", {"run": state["run"], "item": item, "error": _error(error)})
            if not goes_on:
                raise ExceedToleratedFailureThreshold from error

    def _tally(self, phase: str, state: Mapping[str, Any]) -> dict[str, Any]:
        tallied: dict[str, Any] = self._invoke("tally_run", {"phase": phase, "state": state})
        return tallied

    def _tally_all(self, phase: str, state: dict[str, Any]) -> None:
        with _caught(state):
            state[phase] = self._tally(phase, state)
            while state[phase]["next"] == "tally":
                state[phase] = self._tally(phase, state)

    def _items(self, index: str) -> Iterable[Mapping[str, Any]]:
        self._begin_step(f"Map of {index.removeprefix('/'.join(index.split('/')[:3]) + '/')}")
        items: Iterable[Mapping[str, Any]] = json.loads(self.work.objects[index].content.body())
        return items

    def _begin_step(self, step: str) -> None:
        self._steps += 1
        self.before_step(step, self._steps)

    def _invoke(self, name: str, event: Mapping[str, Any]) -> Any:
        """Call a handler as a Task does; what travels is JSON."""
        self._begin_step(f"{name} {event.get('step') or event.get('phase') or ''}".strip())
        return self._call(name, event)

    def _call(self, name: str, event: Mapping[str, Any]) -> Any:
        handler = importlib.import_module(f"lambda_functions.{name}").handler
        for attempt in range(1, TRIES + 1):
            try:
                with self.s3.process():
                    return json.loads(json.dumps(handler(json.loads(json.dumps(event)), Context())))
            except (Exception, Killed):
                if attempt == TRIES:
                    raise
        raise AssertionError("never here")


@contextlib.contextmanager
def world_on_fake_s3() -> Iterator[World]:
    """Yield a fresh fake S3 with the buckets of a run."""
    with fake_s3() as s3:
        world = World(
            s3,
            s3.bucket("source-bucket"),
            s3.bucket("destination-bucket", region="us-east-1"),
            s3.bucket("work-bucket"),
        )
        with without_pauses(world):
            yield world


@contextlib.contextmanager
def without_pauses(world: World) -> Iterator[None]:
    """Let workers note in `slept` what they would sleep."""
    with (
        mock.patch.object(Copier.__init__, "__defaults__", _instead_of_sleep(Copier, world)),
        mock.patch.object(Deleter.__init__, "__defaults__", _instead_of_sleep(Deleter, world)),
    ):
        yield


def entry_of(stored: Stored) -> Entry:
    """Return an object as a listing would have it."""
    checksum = (stored.checksum.algorithm, stored.checksum.kind) if stored.checksum else None
    return Entry(
        stored.key,
        stored.etag,
        stored.size,
        stored.modified,
        stored.storage_class,
        stored.is_restored,
        checksum,
        stored.is_being_restored,
    )


def _instead_of_sleep(kind: type, world: World) -> tuple[Any, ...]:
    defaults: tuple[Any, ...] = kind.__init__.__defaults__  # type: ignore[misc]
    assert defaults.count(time.sleep) == 1, f"{kind.__name__} pauses in another way now"
    return tuple(world.slept.append if default is time.sleep else default for default in defaults)


def _execution(name: str) -> dict[str, str]:
    arn = f"arn:aws:states:eu-west-1:111122223333:execution:sync:{name}"
    return {"id": arn, "name": name, "stateMachine": "sync"}


class ExceedToleratedFailureThreshold(Exception):
    """What Step Functions says of a Map with too many children that failed."""

    def __str__(self) -> str:
        return "The specified tolerated failure threshold was exceeded."


@contextlib.contextmanager
def _caught(state: dict[str, Any]) -> Iterator[None]:
    try:
        yield
    except (Exception, Killed) as error:
        state["error"] = _error(error)


def _error(error: BaseException) -> dict[str, str]:
    if isinstance(error, ExceedToleratedFailureThreshold):
        return {"Error": "States.ExceedToleratedFailureThreshold", "Cause": str(error)}
    name = getattr(error, "error_name", type(error).__name__)
    return {"Error": name, "Cause": json.dumps({"errorMessage": str(error)})}
