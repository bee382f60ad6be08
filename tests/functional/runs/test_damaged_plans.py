"""A plan is carried out, and one file of the dry run damaged at one moment: nothing else than what was planned is done."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from fake_s3 import MB, Bucket, Content, Stored
from runs_on_fake_s3 import World, world_on_fake_s3
from test_damaged_files import DELETES_GO_ON, kind_of, name_of

PLANNED = "runs/sync/planned/"
KINDS = (
    "ranges/", "compared/", "copy/", "large/ shard", "delete/", "failures/", "failures.json", "report.json", "plan.json",
)  # fmt: skip
# What a run that carries a plan out never looks at.
FOR_PEOPLE = ("failures.json",)
# Both dry runs begin with one range for all keys.
SAME_IN_BOTH = ("ranges/",)
STEPS = (
    "validate_input", "list_ranges", "Map of copy.json", "copy_keys", "tally_run copies", "Map of delete.json",
    "delete_orphaned_keys", "tally_run report",
)  # fmt: skip
DECIDED = STEPS.index("Map of delete.json")

Damage = Callable[[World, str], bytes | None]
Objects = dict[str, Stored]


def half(world: World, key: str) -> bytes:
    body = world.work.objects[key].content.body()
    return body[: len(body) // 2]


def without_its_last_line(world: World, key: str) -> bytes:
    body = world.work.objects[key].content.body()
    return b"".join(body.splitlines(keepends=True)[:-1])


def of_another_dry_run(world: World, key: str) -> bytes:
    others = [one for one in world.work.objects if one.startswith("runs/sync/another/")]
    (first, *_) = [one for one in others if kind_of(name_of(one)) == kind_of(name_of(key))]
    return world.work.objects[first].content.body()


DAMAGES: Mapping[str, Damage | None] = {
    "removed": None,
    "half": half,
    "shorter": without_its_last_line,
    "of another dry run": of_another_dry_run,
}


def fill(world: World, first: str) -> None:
    for number in range(3):
        world.source.put(f"{first}new-{number}", f"{first}{number}".encode())
        world.destination.put(f"{first}orphan-{number}", b"old")
    world.source.put_parts(f"{first}large", 5 * MB, 5 * MB, 1)
    world.source.put(f"{first}cold", b"cold", storage_class="GLACIER")


@contextmanager
def small_world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, world_on_fake_s3() as made:
        patch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 2)
        yield made


def buckets_of(world: World) -> tuple[Bucket, ...]:
    return world.source, world.destination, world.work


def put_back(world: World, objects: Sequence[Objects]) -> None:
    for bucket, there in zip(buckets_of(world), objects, strict=True):
        bucket.objects = dict(there)
        bucket._sorted = None


@functools.cache
def planned() -> tuple[list[Objects], dict[str, Content]]:
    """Return what the buckets hold after two dry runs, and the destination when the one called "planned" is carried out."""
    with small_world() as world:
        for world.name, first in (("another", "another-"), ("planned", "")):
            fill(world, first)
            world.run(dryRun=True)
        before = [dict(bucket.objects) for bucket in buckets_of(world)]
        assert carried_out(world, "undisturbed") == "Succeeded"
        return before, world.destination.contents()


@pytest.fixture
def world() -> Iterator[World]:
    """Yield a world with two dry runs, of which the one called "planned" is to be carried out."""
    before, _ = planned()
    with small_world() as made:
        put_back(made, before)
        yield made


def carried_out(world: World, name: str, step: str = "", damage: Callable[[], None] = lambda: None) -> str:
    """Carry the plan out from what is there, something being damaged before a step; return the outcome."""

    def look(reached: str, number: int) -> None:
        if reached == step:
            damage()
            world.before_step = lambda reached, number: None

    world.name, world.before_step = name, look
    return str(world.run(plan="planned")["outcome"])


def test_there_is_a_case_for_every_kind_of_file(world: World) -> None:
    kinds = {kind_of(name_of(key)) for key in world.work.objects if key.startswith(PLANNED)}
    assert kinds == set(KINDS)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_of_which_a_file_is_damaged_is_carried_out_as_it_was_or_is_not_green(
    world: World, kind: str, damage: str
) -> None:
    if kind in SAME_IN_BOTH and DAMAGES[damage] is of_another_dry_run:
        return
    before, expected = planned()
    contents = world.destination.contents()
    (key, *_) = [
        one for one in world.work.objects if one.startswith(PLANNED) and kind_of(name_of(one)) == kind
    ]

    def damage_file() -> None:
        make = DAMAGES[damage]
        body = make(world, key) if make else None
        if body is None:
            world.work.delete(key)
        else:
            world.work.put(key, body)

    for number, step in enumerate(STEPS):
        put_back(world, before)
        outcome = carried_out(world, f"run-{number}", step, damage_file)
        if outcome == "Succeeded":
            assert world.destination.contents() == expected
        if number < DECIDED and outcome != "Succeeded" and kind not in DELETES_GO_ON:
            assert contents.keys() <= world.destination.contents().keys(), f"deleted after {step}"
        if not number and kind not in FOR_PEOPLE:
            assert (outcome, world.destination.contents()) == ("InvalidInput", contents)
