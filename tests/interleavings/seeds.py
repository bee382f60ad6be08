"""One seed, one simulation: its scenario, its order of requests and whatever goes wrong are drawn from `random.Random(seed)`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from executions import Execution, Start, on_clock_of
from fake_s3 import HOUR, MB, Bucket, fake_s3
from rules import Rules, Violation
from runs_on_fake_s3 import without_pauses
from simulated_s3 import BUSY, DO, KILL_AFTER, KILL_AND_ARRIVE, KILL_BEFORE, LOSE, SimulatedS3, Wanted
from turns import Deadlock, Task, Turns

MAX_STEPS = 3000
# How probable it is that a step is one of these, by how rough a seed is; what is left is DO.
FAULTS = {KILL_BEFORE: 0.006, KILL_AFTER: 0.006, KILL_AND_ARRIVE: 0.006, LOSE: 0.02, BUSY: 0.02}
EVENTS = {"time": 0.03, "lose sight": 0.02, "stop": 0.01, "ask to stop": 0.003, "write": 0.01}
JUMPS_SECONDS = (2, 40, 300, 880, 1000)

EVEN_EMPTY = {"allowEmptySource": True}

Line = tuple[str, str, dict[str, Any]]
# Source, destination and options of the executions that meet.
SCENARIOS: Mapping[str, Sequence[Line]] = {
    "twice the same": (("a", "b", {}), ("a", "b", {})),
    "a part and the whole": (("a", "b", {}), ("a", "b", {"prefix": "p/"})),
    "two sources into one part": (("a", "b", {"prefix": "p/"}), ("c", "b", {"prefix": "p/"})),
    "there and back": (("a", "b", {}), ("b", "a", {})),
    "a circle of three": (("a", "b", {}), ("b", "c", {}), ("c", "a", {})),
    "a chain": (("a", "b", {}), ("b", "c", {})),
    "parts that do not meet": (("a", "b", {"prefix": "p/"}), ("c", "b", {"prefix": "q/"}), ("a", "b", {"prefix": "p/x"})),
    "a plan beside a sync": (("a", "b", {"plan": "planned"}), ("a", "b", {})),
    "a plan twice": (("a", "b", {"plan": "planned"}), ("a", "b", {"plan": "planned"})),
    "a plan and the way back": (("a", "b", {"plan": "planned"}), ("b", "a", {})),
}  # fmt: skip


@dataclass
class Found:
    """What a seed came to."""

    seed: int
    scenario: str
    schedule: list[str]
    outcomes: list[str]
    problem: str = ""
    deleted: int = 0
    by_stragglers: int = 0


@dataclass
class Seed:
    """One simulation; `schedule` is what happened, in words, step by step."""

    number: int
    schedule: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.number)
        self.scenario = self.random.choice(list(SCENARIOS))
        self.roughness = self.random.choice((0.0, 0.3, 1.0, 1.0, 3.0))
        self.turns = Turns()
        self.s3 = SimulatedS3()
        self.frozen: dict[Any, int] = {}
        self._write_number = 0

    def simulate(self) -> Found:
        """Run it; return what came of it, with the problem if a promise is broken."""
        problem = ""
        with fake_s3(self.s3), on_clock_of(self.s3):
            self.buckets = {name: self.s3.bucket(f"bucket-{name}") for name in "abc"}
            self.work = self.s3.bucket("work-bucket")
            self._fill()
            self.executions = list(self._executions())
            self.rules = Rules()
            try:
                self._simulate()
            except (Violation, Deadlock) as error:
                problem = f"{type(error).__name__}: {error}"
            finally:
                self.turns.end()
        outcomes = [report["outcome"] for one in self.executions for report in one.reports]
        return Found(
            self.number, self.scenario, self.schedule, outcomes, problem, self.rules.deleted, self.rules.by_stragglers
        )  # fmt: skip

    def _simulate(self) -> None:
        with without_pauses(self.executions[0]):
            if any("plan" in one.options for one in self.executions):
                self._run_alone(self._world("a", "b", "planned"), dryRun=True, **EVEN_EMPTY)
            self.rules.begin(list(self.buckets.values()))
            self.s3.watch = self.rules.watch
            for one in self.executions:
                self.turns.spawn(one.run_all)
            self.turns.run(self._choose)
            self.rules.require_kept()
            self._require_convergence()

    # --- The world

    def _fill(self) -> None:
        """Put a few objects into each bucket: equal, different, in parts, and some that only one of them has."""
        for key in ("p/both", "p/x1", "q/1", "p/differs", "p/y", "zz"):
            for name, bucket in self.buckets.items():
                if key == "p/both" or self.random.random() < 0.5:
                    is_other = key == "p/differs"
                    bucket.put(
                        key, f"{name if is_other else ''}{key}".encode(), self.random.choice((1, 2, 3)) * HOUR
                    )
        if self.random.random() < 0.3:
            self.buckets["a"].put_parts("p/parts", 5 * MB, 1 * MB)

    def _executions(self) -> Iterator[Execution]:
        for number, (source, destination, options) in enumerate(SCENARIOS[self.scenario], 1):
            yield Execution(
                self.s3, self.buckets[source], self.buckets[destination], self.work,
                options={**options, **({} if "plan" in options else EVEN_EMPTY)}, title=f"run{number}",
            )  # fmt: skip

    def _world(self, source: str, destination: str, name: str) -> Execution:
        return Execution(
            self.s3, self.buckets[source], self.buckets[destination], self.work, name=name, status="RUNNING"
        )

    def _run_alone(self, one: Execution, **options: Any) -> dict[str, Any]:
        """Run an execution with nothing beside it."""
        self.turns.spawn(lambda: one.reports.append(one.run(**options)))
        self.turns.run(lambda waiting: self._granted(waiting[0], DO))
        self.rules.require_kept()
        if not one.reports:
            raise Violation(f"{one.name} broke")
        one.end("SUCCEEDED")
        return one.reports[0]

    def _require_convergence(self) -> None:
        """Let all be over for long; then the next runs, one after the other, must leave nothing to do."""
        self.s3.later(HOUR)
        lines = {
            (one.source.name, one.destination.name, one.options.get("prefix")): one for one in self.executions
        }
        for number, one in enumerate(lines.values(), 1):
            options = {name: value for name, value in one.options.items() if name == "prefix"} | EVEN_EMPTY
            last = Execution(
                self.s3,
                one.source,
                one.destination,
                self.work,
                name=f"last{number}",
                status="RUNNING",
                options=options,
            )
            report = self._run_alone(last, **options)
            if report["outcome"] != "Succeeded":
                raise Violation(f"the next run ended with {report['outcome']}: {report['cause']}")
            prefix = options.get("prefix", "")
            there, here = (_contents(bucket, prefix) for bucket in (one.source, one.destination))
            if there != here:
                raise Violation(
                    f"after the next run {one.destination.name} is not equal to {one.source.name}: {here} {there}"
                )
        # One whose worker was killed before it could write down which it had begun has no parts, so it costs nothing.
        left = [
            upload.key
            for bucket in self.buckets.values()
            for upload in bucket.uploads.values()
            if upload.parts and not self.rules.outlives_its_run(upload.id)
        ]
        leases = [key for key in self.work.objects if key.startswith("leases/")]
        if left:
            raise Violation(f"uploads are left: {left}")
        if leases:
            raise Violation(f"leases are left: {leases}")

    # --- The order

    def _choose(self, waiting: Sequence[Task]) -> Task:
        if len(self.schedule) > MAX_STEPS:
            raise Deadlock("it never ends")
        self.s3.clock += timedelta(seconds=0.05)
        self._happen()
        task = self._next_of(waiting)
        verdict = DO
        if isinstance(task.request, Wanted) and task.request.attempt.is_dead and not task.request.is_late:
            verdict = KILL_BEFORE
        elif isinstance(task.request, Wanted):
            verdict = self._drawn(FAULTS) or DO
            if verdict == KILL_AND_ARRIVE and not task.request.changes:
                verdict = KILL_BEFORE
            if task.request.is_late or (verdict == BUSY and not task.request.bucket):
                verdict = DO
        return self._granted(task, verdict)

    def _granted(self, task: Task, verdict: str) -> Task:
        self.rules.require_kept()
        self.schedule.append(f"{task.request}" + ("" if verdict == DO else f" -> {verdict}"))
        task.verdict = verdict
        return task

    def _next_of(self, waiting: Sequence[Task]) -> Task:
        """Draw a task; starts, stragglers and late requests are slow, and now and then somebody is held up for long."""
        self.frozen = {one: left - 1 for one, left in self.frozen.items() if left > 1}
        awake = [task for task in waiting if self._line_of(task) not in self.frozen] or list(waiting)
        weights = [self._weight(task) for task in awake]
        (task,) = self.random.choices(awake, weights)
        if self.random.random() < 0.03:
            self.frozen[self._line_of(task)] = self.random.choice((5, 20, 60))
        return task

    def _line_of(self, task: Task) -> Any:
        return id(task.request.attempt) if isinstance(task.request, Wanted) else task.request

    def _weight(self, task: Task) -> float:
        request = task.request
        if isinstance(request, Start):
            return 0.05
        if request.is_late or request.attempt.is_straggler:
            return 0.05
        return 1.0

    def _drawn(self, chances: Mapping[str, float]) -> str:
        drawn = self.random.random()
        for name, chance in chances.items():
            drawn -= chance * self.roughness
            if drawn < 0:
                return name
        return ""

    # --- What else happens

    def _happen(self) -> None:
        event = self._drawn(EVENTS)
        if event:
            {
                "time": self._jump, "lose sight": self._lose_sight, "stop": self._stop, "ask to stop": self._ask_to_stop,
                "write": self._write,
            }[event]()  # fmt: skip

    def _jump(self) -> None:
        """Let time pass; invocations whose time is over end."""
        seconds = self.random.choices(JUMPS_SECONDS, (20, 5, 3, 2, 2))[0]
        self.s3.later(seconds)
        self.schedule.append(f"-- {seconds} s pass")
        for one in self.executions:
            for attempt in (*one.earlier, *one.attempts):
                attempt.is_dead |= self.s3.clock.timestamp() >= attempt.began_at + attempt.timeout_seconds

    def _lose_sight(self) -> None:
        """Let Step Functions take an attempt for failed that goes on."""
        under_way = [
            attempt for one in self.executions if one.is_running for attempt in one.attempts[-1:] if not attempt.task.is_done
        ]  # fmt: skip
        if under_way:
            attempt = self.random.choice(under_way)
            attempt.is_straggler = True
            self.schedule.append(f"-- nobody waits any more for {attempt}")

    def _stop(self) -> None:
        running = [one for one in self.executions if one.is_running]
        if running:
            one = self.random.choice(running)
            one.end("ABORTED")
            self.schedule.append(f"-- {one.name} is stopped")

    def _ask_to_stop(self) -> None:
        running = [one for one in self.executions if one.is_running]
        if running:
            one = self.random.choice(running)
            self.work.put(f"runs/sync/{one.name}/stop.json", b"{}", 0)
            self.schedule.append(f"-- {one.name} is asked to stop")

    def _write(self) -> None:
        """Let somebody else replace an object, in any bucket."""
        bucket = self.random.choice(list(self.buckets.values()))
        if bucket.objects:
            key = self.random.choice(bucket.keys())
            self._write_number += 1
            bucket.put(key, f"by somebody else {self._write_number}".encode(), 0)
            self.schedule.append(f"-- somebody else replaces {bucket.name}/{key}")


def _contents(bucket: Bucket, prefix: str) -> dict[str, Any]:
    return {key: content for key, content in bucket.contents().items() if key.startswith(prefix)}


def simulate(number: int) -> Found:
    """Simulate one seed."""
    return Seed(number).simulate()
