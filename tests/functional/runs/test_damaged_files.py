"""A whole run, and one file of it damaged at one moment: it ends as if nothing had happened, or it is not green.

An undisturbed run is made once, with all that the world held before every step. A case begins at its step with what was there,
damages one file, and goes on with the real handlers.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from fake_s3 import HOUR, MB, Bucket, Content, Stored
from reports import lasting
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import turns_of

from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.work_bucket import run_folder

NAME = "damaged"
OPTIONS = {"unprovable": "keep", "exclude": ["*.tmp"]}
SMALL = {
    "lambda_functions.shared.s3.listing.PAGE_KEYS": 4,
    "lambda_functions.shared.compare.pieces.KEYS_AHEAD": 4,
    # The first worker hands back what it has not read, and the second comes to the end; with one stream shards are always equal.
    "lambda_functions.list_ranges.Turn": turns_of(5),
    "lambda_functions.shared.compare.streams.FIRST_PAGES": 10**6,
    "lambda_functions.shared.compare.compare.WRITERS": 1,
    "lambda_functions.shared.compare.plan_writer.LARGE_PARTS": 2,
    "lambda_functions.shared.apply.parts.GROUP_PARTS": 2,
    "lambda_functions.shared.work_bucket.shards.MAX_SHARD_KEYS": 2,
    "lambda_functions.shared.tally.sums.CHUNK_ITEMS": 2,
    # A tally adds up one chunk a turn.
    "lambda_functions.tally_run.Turn": SimpleNamespace(
        of=lambda context: Turn(0.0, 0.0, context.aws_request_id, lambda: 0.0)
    ),
}
KINDS = (
    "ranges/", "compared/", "copy/", "large/ shard", "large/ upload", "large/ group", "copy.json", "large.json", "delete.json",
    "copied/", "deleted/", "delete/", "tally/", "uploads/", "failures/", "failures.json", "report.json",
)  # fmt: skip


def kind_of(name: str) -> str:
    """Return of which kind a file of a run is: `large/large-000001-attempt-3-1.json` is of a group."""
    folder, slash, rest = name.partition("/")
    if folder == "large" and slash:
        if rest.endswith(".jsonl"):
            return "large/ shard"
        return "large/ group" if rest.count("-") == 4 else "large/ upload"
    return folder + slash


def fill(world: World, first: str) -> None:
    """Fill both buckets with everything that a run distinguishes."""
    here, there = world.source, world.destination
    for number in range(6):
        for bucket in (here, there):
            bucket.put(f"{first}current-{number}", b"same")
        here.put(f"{first}new-{number}", f"{first}{number}".encode())
        there.put(f"orphan-{first}{number}", b"old")
    here.put(f"{first}changed", b"now")
    there.put(f"{first}changed", b"then", age_seconds=2 * HOUR)
    here.put(f"{first}cold-0", b"cold", storage_class="GLACIER")
    here.put(f"{first}cold-1", b"cold", storage_class="GLACIER")
    here.put(f"{first}left-out.tmp", b"1")
    there.put(f"{first}left-out-there.tmp", b"1")
    for bucket in (here, there):
        bucket.put(f"{first}secret", b"123", encryption="aws:kms")
        bucket.put(f"{first}asked", b"456", age_seconds=HOUR if bucket is here else 2 * HOUR)
    here.put_parts(f"{first}large-0", *[5 * MB] * 4, b"5")
    here.put_parts(f"{first}large-1", *[5 * MB] * 3, b"4")


Objects = dict[str, Stored]


@dataclass(frozen=True)
class Moment:
    """What the world held before a step."""

    step: str
    objects: Mapping[str, Objects]
    uploads: Mapping[str, Any]

    @classmethod
    def of(cls, world: World, step: str) -> Moment:
        buckets = (world.source, world.destination, world.work)
        objects = {bucket.name: dict(bucket.objects) for bucket in buckets}
        return cls(step, objects, deepcopy(world.destination.uploads))

    def files(self, kind: str) -> list[str]:
        """Return the keys of the files of a kind, in the order in which they were written."""
        return [key for key in self.objects["work-bucket"] if kind_of(name_of(key)) == kind]


def name_of(key: str) -> str:
    return key.split("/", 3)[3] if key.startswith("runs/") else key


@dataclass
class Undisturbed:
    """A run of which everything is known: what was before each step, and what the handlers returned."""

    moments: list[Moment] = field(default_factory=list)
    results: dict[int, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    contents: dict[str, Content] = field(default_factory=dict)


@dataclass
class WorldFromMoment(World):
    """A world whose run begins in the middle of another one."""

    undisturbed: Undisturbed = field(default_factory=Undisturbed)
    begin: int = 0

    def _call(self, name: str, event: Mapping[str, Any]) -> Any:
        """Return what the handler has returned then, up to the step at which the run begins."""
        if self._steps < self.begin:
            self.restore(self._steps + 1)
            return json.loads(json.dumps(self.undisturbed.results[self._steps]))
        result = super()._call(name, event)
        if not self.begin:
            self.undisturbed.results[self._steps] = result
        return result

    def restore(self, number: int) -> None:
        """Let the buckets hold what they held before a step."""
        moment = self.undisturbed.moments[number - 1]
        for bucket in (self.source, self.destination, self.work):
            bucket.objects = dict(moment.objects[bucket.name])
            bucket._sorted = None
        self.destination.uploads = deepcopy(dict(moment.uploads))


@contextmanager
def small_world() -> Iterator[WorldFromMoment]:
    """Yield a world in which a few keys are many."""
    with pytest.MonkeyPatch.context() as patch, world_on_fake_s3() as made:
        for name, value in SMALL.items():
            patch.setattr(name, value)
        patch.setenv("WORK_BUCKET", "work-bucket")
        yield WorldFromMoment(made.s3, made.source, made.destination, made.work, name=NAME)


def undisturbed_run(first: str) -> Undisturbed:
    with small_world() as world:
        world.name = NAME if first == "k/" else "another"
        fill(world, first)
        world.before_step = lambda step, number: world.undisturbed.moments.append(Moment.of(world, step))
        world.undisturbed.report = world.run(**OPTIONS)
        world.undisturbed.contents = world.destination.contents()
        world.undisturbed.moments.append(Moment.of(world, "end"))
        return world.undisturbed


ours = functools.cache(functools.partial(undisturbed_run, "k/"))
theirs = functools.cache(functools.partial(undisturbed_run, "other/"))

# --- Damage


Damage = Callable[[Bucket, str, Moment], bytes | None]


def cut(work: Bucket, key: str, moment: Moment) -> bytes | None:
    body = work.objects[key].content.body()
    return body[: len(body) // 2]


def drop_last(work: Bucket, key: str, moment: Moment) -> bytes | None:
    """Return a file without its last line or item; of a document, without the last item of its last list that has any."""
    body = work.objects[key].content.body()
    if key.endswith(".jsonl"):
        return b"".join(body.splitlines(keepends=True)[:-1])
    document = json.loads(body)
    if isinstance(document, list):
        return json.dumps(document[:-1]).encode()
    return without_last_item(document, -1)


def drop_first(work: Bucket, key: str, moment: Moment) -> bytes | None:
    """Return a document without the last item of its first list that has any."""
    document = {} if key.endswith(".jsonl") else json.loads(work.objects[key].content.body())
    return without_last_item(document, 0) if isinstance(document, dict) else None


def count_one_less(work: Bucket, key: str, moment: Moment) -> bytes | None:
    """Return a document whose first count of objects is one too small."""
    document = {} if key.endswith(".jsonl") else json.loads(work.objects[key].content.body())
    counted = next((one for one in tables_of(document) if one.get("objects")), None)
    if counted is None:
        return None
    counted["objects"] -= 1
    return json.dumps(document).encode()


def tables_of(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield document
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, dict | list):
            yield from tables_of(value)


def without_last_item(document: Any, which: int) -> bytes | None:
    counted = {name: value for name, value in document.items() if name != "steps"}  # which only a page shows
    lists = [one for one in lists_of(counted) if one]
    if not lists:
        return None
    lists[which].pop()
    return json.dumps(document).encode()


def lists_of(document: Any) -> Iterator[list[Any]]:
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, list):
            yield value
        if isinstance(value, dict | list):
            yield from lists_of(value)


def anothers(work: Bucket, key: str, moment: Moment) -> bytes | None:
    kind = kind_of(name_of(key))
    there = next((one.objects["work-bucket"] for one in theirs().moments if one.files(kind)), None)
    found = [one for one in there or () if kind_of(name_of(one)) == kind]
    return there[found[0]].content.body() if there and found else None


def neighbours(work: Bucket, key: str, moment: Moment) -> bytes | None:
    others = [one for one in moment.files(kind_of(name_of(key))) if one != key]
    return work.objects[others[0]].content.body() if others else None


DAMAGES: Mapping[str, Damage | None] = {
    "removed": None,
    "cut": cut,
    "shorter": drop_last,
    "shorter at first": drop_first,
    "of another run": anothers,
    "another of this run": neighbours,
}
# What ownership checks see everywhere, and books where it matters.
MISCOUNTS: Mapping[str, Damage] = {"one less is counted": count_one_less}


def damage_file(world: World, key: str, damage: Damage | None, moment: Moment) -> bool:
    """Damage a file; return whether that can be done to it."""
    if damage is None:
        world.work.delete(key)
        return True
    before, body = world.work.objects[key].content.body(), damage(world.work, key, moment)
    if body is None or body == before:
        return False
    world.work.put(key, body)
    return True


# --- What comes of it


def moments_of(kind: str) -> Iterator[tuple[int, str]]:
    """Yield the number and name of the first step of each phase, of tallies also of the second, that finds a file of a kind."""
    seen: set[str] = set()
    for number, moment in enumerate(ours().moments[:-1], 1):
        step = moment.step
        if step in seen and step.startswith("tally"):
            step += ", again"
        if step not in seen and moment.files(kind) and is_about(step, kind):
            yield number, step
        seen |= {moment.step, step} if moment.files(kind) or step.startswith("tally") else set()


def is_about(step: str, kind: str) -> bool:
    """Whether a step is worth a case: Maps and the steps of large copies are that for what they read."""
    if step.startswith("copy_large_object"):
        return kind.startswith(("large", "uploads")) and not step.endswith("begin")
    return not step.startswith("Map") or kind in step or step == "Map of delete.json"


def ending_after(world: WorldFromMoment, number: int, key: str, damage: Damage | None) -> str:
    """Return how a run ends whose file is damaged before a step: "same", "not green" or what is wrong."""
    moment = world.undisturbed.moments[number - 1]
    world.begin = number

    def damage_now(step: str, reached: int) -> None:
        if reached == number:
            world.restore(number)
            damage_file(world, key, damage, moment)

    world.before_step = damage_now
    world.restore(number)
    if not damage_file(world, key, damage, moment):
        return "not possible"
    try:
        report = world.run(**OPTIONS)
    except Exception as error:
        report = {"outcome": f"raised {type(error).__name__}: {error}"}
    deleted = set(moment.objects["destination-bucket"]) - set(world.destination.objects)
    if report["outcome"] != "Succeeded":
        kind = kind_of(name_of(key))
        may_delete = (
            kind in DELETES_GO_ON or number >= [one.step for one in ours().moments].index(DECIDED) + 1
        )
        return f"deleted {len(deleted)}: {report['outcome']}" if deleted and not may_delete else "not green"
    same = world.destination.contents() == world.undisturbed.contents and lasting(report) == lasting(
        world.undisturbed.report
    )
    return "same" if same else "wrong"


# --- The cases

STEPS = (
    "tally_run comparison", "Map of ranges/2.json", "compare_listings", "tally_run comparison, again", "Map of copy.json",
    "copy_keys", "Map of large.json", "copy_large_object parts", "copy_large_object complete",
    "tally_run copies", "tally_run copies, again", "Map of delete.json", "delete_orphaned_keys", "tally_run deletes",
    "tally_run deletes, again", "tally_run report",
)  # fmt: skip
# From which step on the first and the last file of a kind are not needed any more, and why; no other case may end green.
HARMLESS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("copy/", "first"): ("tally_run copies", "its keys are copied, and the record of its turn counts"),
    ("copy/", "last"): ("tally_run copies", "its keys are copied, and the record of its turn counts"),
    ("large/ shard", "first"): ("copy_keys", "large.json holds its lines"),
    ("large/ upload", "first"): ("tally_run copies", "the record of its object counts"),
    ("large/ upload", "last"): ("tally_run copies", "the record of its object counts"),
    ("large/ group", "first"): ("tally_run copies", "the record of its object counts"),
    ("large/ group", "last"): ("tally_run copies", "the record of its object counts"),
    ("copy.json", "first"): ("Map of delete.json", "the copies are added up"),
    ("large.json", "first"): ("Map of delete.json", "the copies are added up"),
    ("delete.json", "first"): ("tally_run report", "the deletes are added up"),
    ("copied/", "first"): ("tally_run copies, again", "it is in the sums of the turn before"),
    ("copied/", "last"): ("Map of delete.json", "it is in the sums of the copies"),
    ("deleted/", "first"): ("tally_run deletes, again", "it is in the sums of the turn before"),
    ("deleted/", "last"): ("tally_run report", "it is in the sums of the deletes"),
    ("delete/", "first"): ("tally_run deletes", "its keys are deleted, and the record of its turn counts"),
    ("delete/", "last"): ("tally_run deletes", "its keys are deleted, and the record of its turn counts"),
    ("tally/", "first"): ("Map of delete.json", "the sums of the next turn hold it"),
    ("uploads/", "first"): ("copy_large_object parts", "the upload is completed, and then it is struck out"),
}
# The same where a list of a document is shorter.
PARTS_ARE_COUNTED = (
    "parts are counted before an upload is completed, and an object with too few is begun again"
)
HARMLESS_IF_SHORTER: Mapping[tuple[str, str, str], tuple[str, str]] = {
    **{
        ("compared/", which, "shorter at first"): (
            "Map of delete.json",
            "what was decided is known to be the whole when the copies are added up",
        )
        for which in ("first", "last")
    },
    **{
        (f"{work}.json", "first", "one less is counted"): (
            "Map of copy.json",
            "an inline Map works through what the state has, and its records say how many there were",
        )
        for work in ("copy", "delete")
    },
    **{
        (kind, which, damage): (step, PARTS_ARE_COUNTED)
        for damage in ("shorter", "shorter at first")
        for kind, which, step in (
            ("large/ upload", "first", "copy_large_object parts"),
            ("large/ group", "first", "copy_large_object parts"),
            ("large/ group", "last", "copy_large_object complete"),
        )
    },
}
# What is deleted although the run does not end green: the deletes were decided while everything was there, by sums that balance.
DECIDED = "Map of delete.json"
DELETES_GO_ON: Mapping[str, str] = {
    "delete/": "each shard is checked when it is read; the orphans of the others are orphans",
    "failures/": "it names what was skipped; whether an orphan is one does not depend on it",
}
# Files whose loss no count shows, and why none has to.
NOT_IN_THE_BOOKS: Mapping[str, str] = {
    "uploads/": "it names an upload that S3 lists as well; one that is completed needs no file",
    "failures.json": "it is written by the report itself, and no run reads it",
    "report.json": "it is the end",
}
# Those of a dry run and of the run that carries out its plan are damaged in `test_damaged_plans`.
# Files that no run reads, and why they are no kind of their own: `test_heartbeats` breaks and misses all of them.
NEVER_READ: Mapping[str, str] = {"alive/": "heartbeats, for whoever watches a run"}
# One that no undisturbed run has: somebody wants the run to stop. That it is there is what counts; without it, nobody has asked.
STOP = f"runs/sync/{NAME}/stop.json"
# Files of which another one may count as many, so that only whose it is tells that it is wrong.
EQUAL_COUNTS = ("large/ shard", "large/ upload", "large.json", "delete/", "failures/")
# Those of copies count as many or not, by the ids of attempts that order their shards.
PERHAPS_EQUAL_COUNTS = ("copy/", "copied/")
# The last file of a kind is another case only where something is lost.
LOSSES = ("removed", "shorter", "shorter at first")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_not_needed_any_more_or_the_run_is_not_green(kind: str, damage: str) -> None:
    found = endings(kind, damage, at_every_moment=damage == "removed")

    expected = {case: expected_ending(*case, damage) for case in found}
    assert found == expected


@pytest.mark.parametrize(
    "step", ["Map of ranges/2.json", "copy_keys", "tally_run copies", "Map of delete.json"]
)
@pytest.mark.parametrize("body", [b"", b"{", b"null", b'{"file": "runs/sync/another/stop.json"}'])
def test_a_stop_that_cannot_be_read_or_is_anothers_stops_the_run_all_the_same(body: bytes, step: str) -> None:
    with small_world() as world:
        fill(world, "k/")
        world.before_step = lambda now, number: world.work.put(STOP, body) if now == step else None
        there = set(world.destination.objects)
        assert world.run(**OPTIONS)["outcome"] == "Stopped"
        assert there <= set(world.destination.objects)


@pytest.fixture
def without_ownership_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    ours(), theirs()  # undisturbed runs are made with all checks
    monkeypatch.setattr(run_folder, "VERIFY", False)


@pytest.mark.parametrize("damage", [*LOSSES, "cut", *MISCOUNTS])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("without_ownership_checks")
def test_the_books_alone_miss_what_is_lost(kind: str, damage: str) -> None:
    found = endings(kind, damage)

    assert found == {case: expected_ending(*case, damage) for case in found}
    if damage == "removed":
        assert ("not green" in found.values()) == (kind not in NOT_IN_THE_BOOKS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in PERHAPS_EQUAL_COUNTS])
@pytest.mark.usefixtures("without_ownership_checks")
def test_the_books_alone_do_not_see_whose_a_file_of_as_many_entries_is(kind: str) -> None:
    found = {**endings(kind, "of another run"), **endings(kind, "another of this run")}

    assert ("wrong" in found.values()) == (kind in EQUAL_COUNTS), found


def endings(kind: str, damage: str, *, at_every_moment: bool = False) -> dict[tuple[str, str, str], str]:
    """Return how the runs end in which a file is damaged, by kind, which file and step; or only around the change of that."""
    found: dict[tuple[str, str, str], str] = {}
    run, _ = ours(), theirs()
    with small_world() as world:
        world.undisturbed = run
        moments = list(moments_of(kind))
        for number, step in moments if at_every_moment else around_the_change(kind, damage, moments):
            files = run.moments[number - 1].files(kind)
            for which, key in {"first": files[0], "last": files[-1]}.items():
                if which == "first" or (files[1:] and damage in LOSSES):
                    how = {**DAMAGES, **MISCOUNTS}[damage]
                    found[kind, which, step] = ending_after(world, number, key, how)
    return {case: ending for case, ending in found.items() if ending != "not possible"}


def around_the_change(kind: str, damage: str, moments: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the first and last moments of a kind, and those between which a file of it becomes harmless."""
    kept = {0, len(moments) - 1}
    for which in ("first", "last"):
        harmless = [expected_ending(kind, which, step, damage) for _, step in moments].count("same")
        kept |= {len(moments) - harmless - 1, len(moments) - harmless}
    return [moment for number, moment in enumerate(moments) if number in kept]


def expected_ending(kind: str, which: str, step: str, damage: str) -> str:
    of_kind = HARMLESS.get((kind, which), ("", ""))
    begin, _ = HARMLESS_IF_SHORTER.get((kind, which, damage), of_kind)
    if begin and STEPS.index(step) >= STEPS.index(begin):
        return "same"
    return "not green"


def test_the_undisturbed_run_has_every_kind_of_file_and_every_step() -> None:
    run = ours()
    steps = {moment.step for moment in run.moments}

    assert run.report["outcome"] == theirs().report["outcome"] == "Succeeded"
    assert {step.removesuffix(", again") for step in STEPS} <= steps
    there = {kind_of(name_of(key)) for moment in run.moments for key in moment.objects["work-bucket"]}
    assert set(KINDS) <= there
    of_runs = {name for name in there if not name.startswith("leases/")}
    assert of_runs <= {*KINDS, *NEVER_READ}
    assert (run.report["unprovable"]["objects"], run.report["skipped"]["archived"]) == (1, 2)
