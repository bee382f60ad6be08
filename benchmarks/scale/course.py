"""A whole run: the state machine's YAML is walked, its Lambdas are the product's code or, where they move data, arithmetic.

What comes out does not depend on how many workers there are: turns, requests, papers, states. `schedule` puts it on a clock.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.scale.constants import Constants
from benchmarks.scale.machine import Walk, at, filled, size_of
from benchmarks.scale.stand_ins import Clock, Counts, ListedBucket, WorkBucket
from benchmarks.scale.turns import Comparer, Work
from deployment.project import front_matter, states_language
from lambda_functions import list_ranges
from lambda_functions.shared.apply.deleter import BATCH_KEYS
from lambda_functions.shared.compare.waves import range_record_name
from lambda_functions.shared.invocation import MARGIN_SECONDS, Turn
from lambda_functions.shared.options import parse
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3 import clients as clients_module
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import record_name
from lambda_functions.tally_run import PHASES

PROJECT = Path(__file__).resolve().parents[2]
FUNCTIONS = {spec.name: dict(spec.properties) for spec in front_matter.read_all(PROJECT / "lambda_functions")}
MACHINE = states_language.read(PROJECT / "state_machines" / "sync_buckets_state_machine.yaml").definition
NAME = "sync_buckets-20261122-101112"
CONTEXT: dict[str, Any] = {
    "Execution": {
        "Id": f"arn:aws:states:us-east-1:111122223333:execution:{NAME}:0d6a1b7e-3c1f-4d3e-9a53-7f4e5f9f1c55",
        "Name": "0d6a1b7e-3c1f-4d3e-9a53-7f4e5f9f1c55",
        "StartTime": "2026-11-22T10:12:00.000Z",
        "Input": {"source": "a-bucket-with-a-billion-keys", "destination": "its-mirror"},
    },
    "StateMachine": {"Name": NAME},
}
DONE = {"done": True}


@dataclass(frozen=True)
class Step:
    """A Lambda called once, or a Map: seconds of each turn, without those for `objects` (copied, or deleted) in each."""

    phase: str
    function: str
    is_map: bool
    seconds: Sequence[float]
    objects: Sequence[int] = ()
    wave: int = 0


@dataclass
class Course:
    """What a run does."""

    work: Work
    constants: Constants = field(default_factory=Constants)
    memory_mb: Mapping[str, int] = field(default_factory=dict)
    workers: int = 1

    def __post_init__(self) -> None:
        self.steps: list[Step] = []
        self.states: Counter[str] = Counter()
        self.largest: Counter[str] = Counter()
        self.index_lengths: dict[str, int] = {}
        self.first_records: list[Mapping[str, Any]] = []
        self.memory_mb = {**{name: one["MemorySize"] for name, one in FUNCTIONS.items()}, **self.memory_mb}
        self.clock = Clock()
        self.work_bucket = WorkBucket(self.constants, Clock(), self._record_of_work)
        self.counts = Counts()
        self.walk = Walk(MACHINE, CONTEXT, self._call, self._run_map)
        self._shards: dict[str, int] = {}

    def go(self) -> Course:
        """Run to the end; return itself."""
        with mock.patch.dict(os.environ, {"WORK_BUCKET": "work"}):
            end = self.walk.go(CONTEXT["Execution"]["Input"])
        self.report: dict[str, Any] = end["end"]["report"]
        self.states["parent"] = self.walk.transitions
        self.largest["state of the parent"] = self.walk.largest_bytes
        self.largest.update(self.work_bucket.largest)
        self.work_bucket.files.clear()
        return self

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests to the two buckets, as the report has them."""
        found: Mapping[str, int] = self.report["requests"]
        return found

    @property
    def events(self) -> int:
        """History events of the parent."""
        return self.walk.events

    @property
    def waves(self) -> int:
        """How many waves of comparison there were."""
        return self.walk.entered["CompareRanges"]

    def allowed_lists(self, workers: int) -> float:
        """Return the LISTs a second that S3 allows each of so many workers on one bucket."""
        constants = self.constants
        return constants.reads_a_partition * constants.partitions(self.work.source.count) / workers

    def is_throttled(self, workers: int) -> bool:
        """Whether so many workers ask for more than S3 allows."""
        return self.allowed_lists(workers) < 1 / self.constants.page_seconds

    # --- Tasks of the parent --------------------------------------------------------------------------------------

    def _call(self, state: str, definition: Mapping[str, Any], given: Any) -> Any:
        function = definition["Resource"]
        self.clock.seconds = self._beginning(function)
        self._reads_take(self.constants.get_seconds)
        if function == "validate_input":
            result = self._validated(given)
        elif function == "list_ranges":
            with mock.patch.object(clients_module, "client", return_value=self._clients().work):
                result = list_ranges.handler(given, None)
        else:
            self._reads_take(self.constants.record_seconds / self._processor(function))
            timeout_seconds = FUNCTIONS[function]["Timeout"]
            turn = Turn(self.clock(), timeout_seconds - MARGIN_SECONDS, "request", self.clock)
            result = PHASES[given["phase"]](self._clients(), given["state"], turn)
        self.steps.append(Step(_phase(given, function), function, False, [self.clock()]))
        return json.loads(json.dumps(result))

    def _validated(self, given: Any) -> dict[str, Any]:
        options = parse(given["input"], {"maxConcurrency": 40, "maxDelete": None})
        self.run = Run.of(given["execution"], options, ("us-east-1", "us-east-1"))
        self.folder = RunFolder(self.work_bucket, self.run.folder)
        self.work_bucket.requests.update({"PUT": 1, "LIST": 1})
        self.clock.pass_by(2 * self.constants.probe_seconds + 2 * self.constants.put_seconds)
        return {"verdict": "valid", **self.run.to_json(), "requests": {"HEAD_BUCKET": 2}}

    def _clients(self) -> Clients:
        self.work_bucket.clock, counts = self.clock, Counts()
        keys = (self.work.source, self.work.destination)
        source, destination = (ListedBucket(one, self.constants, self.clock, counts) for one in keys)
        return Clients(source, destination, self.work_bucket, counts)  # type: ignore[arg-type]

    # --- Maps -----------------------------------------------------------------------------------------------------

    def _run_map(self, name: str, state: Mapping[str, Any], data: Any) -> None:
        is_inline = "ItemsPath" in state
        items = at(state["ItemsPath"], data, CONTEXT) if is_inline else self._read_items(name, state, data)
        longest = max(items, key=size_of)
        given = filled(state["ItemSelector"], data, {**CONTEXT, "Map": {"Item": {"Value": longest}}})
        child = Walk(state["ItemProcessor"], CONTEXT, lambda task, definition, payload: DONE)
        child.go(given)
        self.largest["input of a child"] = max(self.largest["input of a child"], child.largest_bytes)
        self.states["children"] += len(items) * (child.transitions - is_inline)  # an iteration has no start
        self.walk.inline_events += len(items) * child.events if is_inline else 0
        step = self._compared(data, items) if name == "CompareRanges" else self._worked(name, items)
        self.steps.append(step)

    def _read_items(self, name: str, state: Mapping[str, Any], data: Any) -> Any:
        """Return the items of a Distributed Map, which reads them from their index and writes its results."""
        index = filled(state["ItemReader"]["Parameters"], data, CONTEXT)["Key"]
        items = json.loads(self.work_bucket.files[index])
        if name == "CompareRanges":
            self.index_lengths[index.rpartition("/")[2]] = len(items)
        self.work_bucket.requests["GET"] += 1
        self.work_bucket.requests["PUT"] += 2  # manifest.json and SUCCEEDED_0.json of its ResultWriter
        return items

    def _compared(self, data: Any, items: Sequence[Mapping[str, Any]]) -> Step:
        comparer = self.comparer(len(items))
        wave, seconds = data["comparison"]["wave"], []
        self.work_bucket.clock = Clock()
        for item in items:
            record = comparer.turn(item["id"], KeyRange.from_json(item), wave)
            self.work_bucket.requests["GET"] += 1
            self._keep(self.folder.write_once(range_record_name(item["id"]), record))
            seconds.append(record["seconds"])
        return Step("comparing", "compare_listings", True, seconds, wave=wave)

    def comparer(self, children: int) -> Comparer:
        """Return one of so many workers of a wave."""
        processor, allowed = (
            self._processor("compare_listings"),
            self.allowed_lists(min(self.workers, children)),
        )
        return Comparer(self.work, self.run, self.constants, processor, self.work_bucket, allowed)

    def _worked(self, name: str, items: Sequence[Mapping[str, Any]]) -> Step:
        """Copying or deleting: every shard is done in one turn, whose lease, shard and record are read and written."""
        is_copy = name.startswith("CopyKeys")
        function = "copy_keys" if is_copy else "delete_orphaned_keys"
        self._shards = {item["id"]: item["objects"] for item in items}
        self.work_bucket.requests.update({"GET": 3 * len(items), "PUT": len(items)})
        fixed = self._beginning(function) + 3 * self.constants.get_seconds + self.constants.put_seconds
        phase = "copying" if is_copy else "deleting"
        return Step(phase, function, True, [fixed] * len(items), [item["objects"] for item in items])

    def _record_of_work(self, key: str) -> bytes | None:
        """Return the record that a turn of a copier or deleter left."""
        kind, _, name = key.removeprefix(f"{self.run.folder}/").partition("/")
        shard = name.removesuffix("-0.json")
        if (
            kind not in ("copied", "deleted")
            or shard not in self._shards
            or key != self.folder.key(record_name(kind, shard, 0))
        ):
            return None
        objects, size = self._shards[shard], self._shards[shard] * self.work.object_bytes
        requests, rate = _requests_of(kind, objects), self._rate(kind)
        record = {
            "file": key,
            "shard": shard,
            "start": 0,
            "next": objects,
            "tally": {kind: {"objects": objects, "bytes": size}},
            "causes": {},
            "failures": [],
            "requests": requests,
            "seconds": round(objects / rate, 3),
        }
        self._keep(record)
        body = json.dumps(record).encode()
        self.largest["copied/*.json"] = max(self.largest["copied/*.json"], len(body))
        return body

    def _keep(self, record: Mapping[str, Any]) -> None:
        """Keep the first record of each kind, to look at."""
        if not any(set(one) == set(record) for one in self.first_records):
            self.first_records.append(record)

    # --- Small matters --------------------------------------------------------------------------------------------

    def _rate(self, kind: str) -> float:
        return self.constants.copies_a_second if kind == "copied" else self.constants.deletes_a_second

    def _processor(self, function: str) -> float:
        return self.constants.processor(self.memory_mb[function])

    def _beginning(self, function: str) -> float:
        return self.constants.turn_cpu_seconds / self._processor(function)

    def _reads_take(self, seconds: float) -> None:
        self.work_bucket.seconds_a_read = seconds


def _requests_of(kind: str, objects: int) -> dict[str, int]:
    if kind == "copied":
        return {"COPY": objects}
    batches = -(-objects // BATCH_KEYS)
    return {"HEAD": objects, "HEAD_BUCKET": batches, "DELETE_OBJECTS": batches}


def _phase(given: Mapping[str, Any], function: str) -> str:
    tallied = {"comparison": "tallies of waves", "copies": "tally of copies", "deletes": "tally of deletes"}
    return tallied.get(given.get("phase", ""), "reporting" if function == "tally_run" else "starting")


def floor_lists(work: Work) -> int:
    """Return the LISTs that reading both buckets takes, each by one reader."""
    return sum(max(1, -(-keys.count // 1000)) for keys in (work.source, work.destination))
