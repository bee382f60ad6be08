"""Every order of the requests with which two runs take a lease, write under it and give it back: a search, not a draw.

Each run is what `validate_input`, a worker and Report send of it: PUT, LIST and GETs of the leases, DescribeExecution, the
cleaning up after the dead, then GET of its own lease and a write, then DELETE. At every point each request that waits may be the
next, and where there are crashes each may also be the last one of its run, done or not, after which Step Functions ends it. Two
ways to the same state, which is what each run has sent and seen and what the work bucket holds, go on in the same ways, so only
the first is followed (`is_pruned`).
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest import mock

from samples import NOON, MemoryS3, run_of
from turns import Pool, Task, Turns, ask
from workers import Killed

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket import leases
from lambda_functions.shared.work_bucket.executions import RUNNING, Execution
from lambda_functions.shared.work_bucket.lease_cycles import lease_document
from lambda_functions.shared.work_bucket.leases import LeaseLost, Leases, release_lease, require_lease

A_TO_B = {"source": "bucket-a", "destination": "bucket-b"}
B_TO_A = {"source": "bucket-b", "destination": "bucket-a"}
IN_THE_WAY = {
    "same": [A_TO_B, A_TO_B],
    "part": [A_TO_B, {**A_TO_B, "prefix": "p/"}],
    "circle": [A_TO_B, B_TO_A],
}
# The ways in which each two of them meet: nothing else is there, or a lease of the dead; or as many of them crash.
WAYS: dict[str, dict[str, Any]] = {
    "alone": {},
    "beside a dead one": {"dead": True},
    "one crashes": {"crashes": 1},
    "one crashes beside a dead one": {"dead": True, "crashes": 1},
    "both crash": {"crashes": 2},
}

END = "end"
Choice = tuple[int, str]
DO, CRASH_BEFORE, CRASH_AFTER = "do", "crash", "do, crash"


@dataclass(eq=False)
class Side:
    """One of the runs that meet; `seen` is all that it has sent and been answered."""

    number: int
    run: Run
    seen: list[str] = field(default_factory=list)
    status: str = RUNNING
    outcome: str = ""
    is_writing: bool = False
    is_dead: bool = False


class _Client:
    """The work bucket as one run sees it: every request waits for its turn."""

    def __init__(self, side: Side, world: World) -> None:
        self._side, self._world = side, world

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def send(**given: Any) -> Any:
            place = given.get("Key", given.get("Prefix", ""))
            return self._world.send(
                self._side, f"{name} {place}", lambda: getattr(self._world.s3, name)(**given)
            )

        return send

    def get_paginator(self, operation: str) -> Any:
        return mock.Mock(
            paginate=lambda **given: self._world.send(
                self._side, operation, lambda: list(self._world.s3.get_paginator(operation).paginate(**given))
            )
        )


@dataclass
class World:
    """A work bucket, its runs, and how one schedule of them goes."""

    lines: Sequence[Mapping[str, str]]
    dead: bool = False
    s3: MemoryS3 = field(default_factory=MemoryS3)
    turns: Turns = field(default_factory=Turns)
    problems: list[str] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)

    def begin(self) -> None:
        """Begin both runs; beside them there may be the lease of one that has been dead for long."""
        self.sides = [Side(number, _run(f"run{number}", line)) for number, line in enumerate(self.lines, 1)]
        if self.dead:
            old = _run("old", self.lines[0])
            body = json.dumps(lease_document(old)).encode()
            self.s3.put_object(Bucket="work-bucket", Key=leases.lease_key(old), Body=body)
        for side in self.sides:
            self.turns.spawn(lambda one=side: self._live(one), side)

    def _live(self, side: Side) -> None:
        client = _Client(side, self)

        def ask_of(arn: str) -> Execution:
            found: Execution = self.send(side, f"describe {arn}", lambda: self._execution(arn))
            return found

        try:
            Leases(client, "work-bucket", ask_of, lambda: NOON).take(side.run, lambda folder: [])
            side.outcome = "taken"
            require_lease(client, side.run)
            self.send(side, "begin to write", lambda: self._begin_to_write(side))
            self.send(side, "end to write", lambda: self._end_to_write(side))
        except Refused as refused:
            side.outcome = refused.error
        except LeaseLost:
            side.outcome = "lost"
        release_lease(client, side.run.destination.bucket, side.run.execution)
        self.send(side, "end", lambda: self._end(side))

    def send(self, side: Side, what: str, do: Callable[[], Any]) -> Any:
        """Wait for the turn of a request; carry it out, and note what it was and what came of it."""
        verdict = DO if side.is_dead else ask(what)
        if side.is_dead or verdict == CRASH_BEFORE:
            self._crash(side)
        try:
            said = do()
        except Exception as error:
            side.seen.append(f"{what}: {error}")
            raise
        else:
            side.seen.append(f"{what}: {_told(said)}")
        if verdict == CRASH_AFTER:
            self._crash(side)
        return said

    def _crash(self, side: Side) -> None:
        """End a run: its execution has ended this very moment, so what it holds counts for a while."""
        side.is_dead, side.status = True, "ABORTED"
        side.seen.append("crashed")
        raise Killed("crashed")

    def _execution(self, arn: str) -> Execution:
        if arn == "old":
            return Execution("ABORTED", NOON - timedelta(hours=1))
        (side,) = (one for one in self.sides if one.run.execution == arn)
        return Execution(side.status, None if side.status == RUNNING else NOON)

    def _begin_to_write(self, side: Side) -> None:
        side.is_writing = True
        if all(one.is_writing for one in self.sides):
            self.problems.append("both write")

    def _end_to_write(self, side: Side) -> None:
        side.is_writing = False

    def _end(self, side: Side) -> None:
        side.status = "SUCCEEDED"

    def state(self, waiting: Sequence[Task]) -> str:
        """Return all that what follows depends on."""
        files = {key: body.decode() for key, body in self.s3.files.items()}
        sides = [
            [sorted(side.seen), side.status, side.outcome, side.is_writing, side.is_dead]
            for side in self.sides
        ]
        waits = sorted((task.owner.number, task.request) for task in waiting)
        return json.dumps([files, sides, self.problems, waits], sort_keys=True)


def _run(name: str, options: Mapping[str, str]) -> Run:
    execution = {"id": name, "name": name, "startTime": NOON.isoformat(), "stateMachine": "sync"}
    return run_of(execution, **options)


def _told(said: Any) -> str:
    """Return an answer as text; a body is read once, so it counts as what was there."""
    if isinstance(said, dict) and "Body" in said:
        return str(said["ETag"])
    return str(said)


@dataclass
class Search:
    """A search in depth through all schedules of two runs."""

    lines: Sequence[Mapping[str, str]]
    dead: bool = False
    crashes: int = 0
    is_pruned: bool = True
    most_steps: int = 10_000
    ends: int = 0
    states: set[str] = field(default_factory=set)
    edges: dict[str, list[str]] = field(default_factory=dict)
    outcomes: set[tuple[str, ...]] = field(default_factory=set)
    problems: list[tuple[str, list[str]]] = field(default_factory=list)

    def run(self) -> Search:
        """Follow every schedule; each is begun anew, as threads cannot be turned back."""
        waiting: list[list[Choice]] = [[]]
        with mock.patch.object(leases, "ThreadPoolExecutor", Pool):
            while waiting:
                waiting += self._follow(waiting.pop())
        return self

    @property
    def schedules(self) -> int:
        """Return how many schedules there are in all, those included that go on from a known state."""

        @functools.cache
        def ways_from(state: str) -> int:
            return 1 if state == END else sum(map(ways_from, self.edges[state]))

        return ways_from("")

    def _follow(self, path: list[Choice]) -> list[list[Choice]]:
        """Go one way to its end; return the ways that branch off behind `path`."""
        world = World(self.lines, self.dead)
        way = _Way(self, world, path)
        world.begin()
        try:
            with contextlib.suppress(_LongEnough):
                world.turns.run(way.choose)
            self.ends += 1
            self.edges.setdefault(way.before, []).append(END)
            self._judge(world, way.words)
        except _Known:
            pass
        finally:
            self.problems += [(problem, way.words) for problem in world.problems]
            world.turns.end()
        return way.branches

    def _judge(self, world: World, words: list[str]) -> None:
        alive = [side for side in world.sides if not side.is_dead]
        mine = {leases.lease_key(side.run) for side in alive}
        if mine & set(world.s3.files):
            self.problems.append(("a run that has ended has left its lease", words))
        self.outcomes.add(tuple(sorted(side.outcome or "crashed" for side in world.sides)))


class _Known(Exception):
    """What follows has been followed already."""


class _LongEnough(Exception):
    """So many steps were asked for and no more."""


@dataclass
class _Way:
    """One schedule: first the choices of `path`, then the first of all that there are; `branches` begin with the others."""

    search: Search
    world: World
    path: Sequence[Choice]
    taken: list[Choice] = field(default_factory=list)
    branches: list[list[Choice]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    before: str = ""

    def choose(self, tasks: Sequence[Task]) -> Task:
        """Return the task that is next. Raises _Known and _LongEnough, where this way need not be followed on."""
        if len(self.taken) >= self.search.most_steps:
            raise _LongEnough
        if len(self.taken) == len(self.path) - 1:
            self.before = self.world.state(tasks)
        choice = self.path[len(self.taken)] if len(self.taken) < len(self.path) else self._first_of_new(tasks)
        self.taken.append(choice)
        task, verdict = tasks[choice[0]], choice[1]
        self.words.append(f"run{task.owner.number} {task.request}{'' if verdict == DO else ' -> ' + verdict}")
        task.verdict = verdict
        return task

    def _first_of_new(self, tasks: Sequence[Task]) -> Choice:
        """Note the state that has come about, unless it is known, and the ways that lead on from it."""
        state = self.world.state(tasks)
        self.search.edges.setdefault(self.before, []).append(state)
        self.before = state
        if self.search.is_pruned and state in self.search.states:
            raise _Known
        self.search.states.add(state)
        first, *others = self._choices(tasks)
        self.branches += [[*self.taken, other] for other in others]
        return first

    def _choices(self, tasks: Sequence[Task]) -> list[Choice]:
        verdicts = [DO]
        if sum(verdict != DO for _, verdict in self.taken) < self.search.crashes:
            verdicts += [CRASH_BEFORE, CRASH_AFTER]
        return [(number, verdict) for verdict in verdicts for number in range(len(tasks))]
