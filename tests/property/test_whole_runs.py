"""Whole runs through the rendered state machine on moto, in worlds that Hypothesis draws, against an oracle of its own.

`SYNCBUCKETS_EXAMPLES=600 python -m pytest tests/property` looks ten times as long as an ordinary run of the tests. Hypothesis
remembers failures in `.hypothesis`, and prints what reproduces them.
"""

from __future__ import annotations

import os
from unittest import mock

import place
from blueprints import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine_on_moto import Machine
from worlds import worlds

from lambda_functions.shared.tally import maps

EXAMPLES = int(os.environ.get("SYNCBUCKETS_EXAMPLES", "60"))


# Worlds are large and slow to draw compared with the numbers and lists that Hypothesis' health checks have in mind.
@settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(world=worlds(), most_inline_shards=st.sampled_from([maps.MAX_INLINE_SHARDS, 0]))
def test_a_run_does_to_every_object_what_the_oracle_says_and_the_next_one_finds_nothing_to_do(
    running: Machine, world: World, most_inline_shards: int
) -> None:
    with mock.patch.object(maps, "MAX_INLINE_SHARDS", most_inline_shards):
        place.check(running, world)
