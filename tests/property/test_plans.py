"""Plans of worlds that Hypothesis draws, carried out after changes that it draws too, against the oracle of plans."""

from __future__ import annotations

import os

import plan_place
from blueprints import Blueprint, World
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from machine_on_moto import Machine
from plan_place import Change
from worlds import worlds

EXAMPLES = int(os.environ.get("SYNCBUCKETS_EXAMPLES", "60")) // 2

changes = st.builds(
    Change,
    st.sampled_from(["source", "destination"]),
    st.sampled_from(["rewritten", "gone", "new"]),
    st.integers(0, 7),
)
TWO_COPIES_TWO_ORPHANS = World(
    {key: Blueprint(b"1").made() for key in ("a", "b")},
    {key: Blueprint(b"2").made() for key in ("x", "y")},
    {},
)


@settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(world=worlds(), meanwhile=st.lists(changes, max_size=3))
@example(TWO_COPIES_TWO_ORPHANS, [])
@example(TWO_COPIES_TWO_ORPHANS, [Change("source", "rewritten", 0)])
@example(TWO_COPIES_TWO_ORPHANS, [Change("source", "gone", 0)])
@example(TWO_COPIES_TWO_ORPHANS, [Change("destination", "rewritten", 0)])
@example(TWO_COPIES_TWO_ORPHANS, [Change("destination", "gone", 1), Change("source", "new", 0)])
def test_a_plan_does_what_it_says_and_what_is_still_so(
    running: Machine, world: World, meanwhile: list[Change]
) -> None:
    plan_place.check_plan(running, world, meanwhile)
