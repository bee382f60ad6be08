"""The runs that are modelled, each once: sizes, shapes of keys, how much has changed, and settings of ours that are tried."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from benchmarks.scale.course import Course
from benchmarks.scale.keys import NO_KEYS, SHAPES
from benchmarks.scale.schedule import Schedule, schedule
from benchmarks.scale.turns import Work
from deployment.step_functions.state_machines import default_concurrency
from lambda_functions.shared.compare import compare

SIZES = (10**6, 10**9)
NOTHING, SOME, ALL = "nothing", "1 % copied, 0.1 % deleted", "all copied, the destination is empty"
# What is copied, what is deleted, of all objects; whether the destination is empty.
CHANGES = {NOTHING: (0.0, 0.0, False), SOME: (0.01, 0.001, False), ALL: (1.0, 0.0, True)}
ACCOUNTS = (10, 1000)


@dataclass(frozen=True)
class Trial:
    """Constants of `comparing` and memories of functions that are tried instead of ours."""

    name: str
    constants: Mapping[str, Any] = field(default_factory=dict)
    memory_mb: Mapping[str, int] = field(default_factory=dict)


def _memory(megabytes: int) -> dict[str, int]:
    return {"compare_listings": megabytes}


_SIX = {"MIN_REMAINING_RANGES": 6}
_SHORTER = {"BUDGET_SECONDS": (*compare.BUDGET_SECONDS[:-1], 120.0)}
TRIALS = (
    Trial("as deployed"),
    Trial("`compare_listings` with 1,024 MB", memory_mb=_memory(1024)),
    Trial("`compare_listings` with 512 MB", memory_mb=_memory(512)),
    Trial("`MIN_REMAINING_RANGES` 4", {"MIN_REMAINING_RANGES": 4}),
    Trial("`MIN_REMAINING_RANGES` 6", _SIX),
    Trial("`MIN_REMAINING_RANGES` 12", {"MIN_REMAINING_RANGES": 12}),
    Trial("no budget over 120 s", _SHORTER),
    Trial("`MIN_REMAINING_RANGES` 6, 1,024 MB", _SIX, _memory(1024)),
    Trial("`MIN_REMAINING_RANGES` 6, 512 MB", _SIX, _memory(512)),
    Trial("`MIN_REMAINING_RANGES` 6, 512 MB, no budget over 120 s", {**_SIX, **_SHORTER}, _memory(512)),
)


@dataclass
class Runs:
    """Runs by size, shape and change; each is computed when it is first asked for."""

    known: dict[tuple[int, str, str], Course] = field(default_factory=dict)
    schedules: dict[tuple[int, str, str, int], Schedule] = field(default_factory=dict)

    def course(self, count: int, shape: str, change: str = NOTHING) -> Course:
        """Return a run."""
        if (count, shape, change) not in self.known:
            self.known[count, shape, change] = Course(work(count, shape, change)).go()
        return self.known[count, shape, change]

    def planned(self, count: int, shape: str, change: str, workers: int) -> Schedule:
        """Return a run on so many workers."""
        which = (count, shape, change, workers)
        if which not in self.schedules:
            self.schedules[which] = schedule(self.course(count, shape, change), workers)
        return self.schedules[which]

    def tried(self, trial: Trial, count: int, shape: str) -> Course:
        """Return a run with nothing to do under other settings of ours."""
        with contextlib.ExitStack() as patches:
            for name, value in trial.constants.items():
                patches.enter_context(mock.patch.object(compare, name, value))
            return Course(work(count, shape), memory_mb=trial.memory_mb).go()


def work(count: int, shape: str, change: str = NOTHING) -> Work:
    """Return two buckets."""
    keys, (copied, deleted, is_first) = SHAPES[shape](count), CHANGES[change]
    return Work(keys, NO_KEYS if is_first else keys, copied, deleted)


def workers_of_accounts() -> list[tuple[str, int]]:
    """Return how many workers accounts give: unasked, by the rule of the deployment, and at most."""
    choices = []
    for limit in ACCOUNTS:
        client = mock.Mock()
        client.get_account_settings.return_value = {"AccountLimit": {"ConcurrentExecutions": limit}}
        choices += [
            (f"account of {limit:,}, default", default_concurrency(client)),
            (f"account of {limit:,}, all", limit),
        ]
    return choices
