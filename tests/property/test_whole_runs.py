"""Whole runs through the rendered state machine on moto, in worlds that Hypothesis draws, against an oracle of its own.

`SYNCBUCKETS_EXAMPLES=2000 python -m pytest tests/property` looks ten times as long as an ordinary run of the tests. Hypothesis
remembers failures in `.hypothesis`, and prints what reproduces them.
"""

from __future__ import annotations

import os

import place
from blueprints import World
from hypothesis import HealthCheck, given, settings
from machine_on_moto import Machine
from worlds import worlds

EXAMPLES = int(os.environ.get("SYNCBUCKETS_EXAMPLES", "200"))


# Worlds are large and slow to draw compared with the numbers and lists that Hypothesis' health checks have in mind.
@settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(world=worlds())
def test_a_run_does_to_every_object_what_the_oracle_says_and_the_next_one_finds_nothing_to_do(
    running: Machine, world: World
) -> None:
    place.check(running, world)
