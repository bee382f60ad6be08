"""Plays one scenario: fills the buckets, sets the fault, runs, and runs again without it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import moments
import request_faults
from deployed_place import Deployment, deployed_place
from fake_place import FakePlace, fake_place
from fault_oracle import Ending
from moto_place import moto_place
from scenarios import EMULATOR, EQUAL, FAILED, MOTO, Scenario

ARMS = {
    "stop": moments.arm_stop,
    "another writer": moments.arm_race,
    "file of the run": moments.arm_file,
    "wrong clock, killed worker": moments.arm_clock,
}


@dataclass(frozen=True)
class Told:
    """What came of a scenario: how often the fault struck, how both runs ended, and what the oracle complains of."""

    row: Scenario
    fired: int
    ending: Ending
    complaints: list[str]

    @property
    def is_as_promised(self) -> bool:
        """Whether the fault struck, the oracle has nothing to say, and the run ended as the row demands."""
        may_end = {EQUAL: (True,), FAILED: (False,)}.get(self.row.must, (True, False))
        return bool(self.fired) and not self.complaints and self.ending.is_green in may_end


def play(row: Scenario, deployed: Callable[[], Deployment]) -> Told:
    """Play a scenario on the place that it names; only those of the emulator ask for the deployment."""
    if row.place == EMULATOR:
        return play_on_emulator(row, deployed())
    return play_on_moto(row) if row.place == MOTO else play_on_fake_s3(row)


def play_on_emulator(row: Scenario, deployed: Deployment) -> Told:
    """Play a scenario with the deployed machine."""
    if row.fault.startswith("swapped"):
        moments.of_another_run()
    place = deployed_place(deployed)
    place.arm(row)
    ending = place.run()
    place.run_again(row.limit)
    return Told(row, place.fired, ending, place.oracle.complaints)


def play_on_moto(row: Scenario) -> Told:
    """Play a scenario with the rendered state machine on moto."""
    with moto_place(_is_distributed(row)) as place:
        place.arm(row)
        ending = place.run()
        fired = place.fired
        place.run_again()
    return Told(row, fired, ending, place.oracle.complaints)


def play_on_fake_s3(row: Scenario) -> Told:
    """Play a scenario on the fake S3; half of them, always the same, with Distributed Maps."""
    hours = float(row.amount.split()[0]) if row.fault == "clock of S3" else 0.0
    if row.fault.startswith("swapped"):
        moments.of_another_run()  # before there is a world of this scenario
    with fake_place(_is_distributed(row), hours) as place:
        _arm(place, row)
        ending = place.run()
        fired = place.fired
        place.run_again(row.limit)
    return Told(row, fired, ending, place.oracle.complaints)


def _is_distributed(row: Scenario) -> bool:
    return zlib.crc32(row.name.encode()) % 2 == 0


def _arm(place: FakePlace, row: Scenario) -> None:
    ARMS.get(row.family, request_faults.arm)(place, row)
