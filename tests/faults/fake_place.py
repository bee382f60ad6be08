"""Whole runs on the fake S3 among faults: buckets with everything that a run distinguishes, in which every request occurs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from fake_s3 import HOUR, MB, Bucket, Request, Stored
from fault_oracle import OPTIONS, Buckets, Ending, Oracle
from runs_on_fake_s3 import World, world_on_fake_s3
from scenarios import LEASE, LONG_TAGS, UNKNOWN_UPLOAD
from short_turns import pages_a_turn, short_pages

from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.tally import maps
from lambda_functions.shared.work_bucket.stopping import StopWatch, read_stop

NAME = "disturbed"
FOLDER = f"runs/sync/{NAME}"
ALWAYS = 10**6


class Stopped(BaseException):
    """StopExecution: nothing of the machine is heard of any more. Neither a Catch nor our code catches it."""


@dataclass
class FakePlace:
    """A world on the fake S3 with its oracle; `fired` counts what the fault has really done."""

    world: World
    unrelated: Bucket
    oracle: Oracle = field(init=False)
    fired: int = 0
    options: dict[str, Any] = field(default_factory=lambda: dict(OPTIONS))

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.look)

    @property
    def source(self) -> Bucket:
        """The source, for other writers."""
        return self.world.source

    @property
    def destination(self) -> Bucket:
        """The destination, for other writers."""
        return self.world.destination

    def look(self) -> Buckets:
        """Read all objects from where the fake S3 keeps them."""
        return Buckets(*(objects(one) for one in (self.world.source, self.world.destination, self.unrelated)))

    def counted(self, action: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """Return an action that counts how often it struck."""

        def act(request: Request) -> Any:
            self.fired += 1
            return action(request)

        return act

    def run(self) -> Ending:
        """Run with the fault that was set."""
        self.oracle.begin()
        for operation in ("DeleteObjects", "DeleteObject"):
            self.world.s3.before(
                operation,
                lambda request: self.oracle.before_delete(),
                bucket=self.world.destination.name,
                times=ALWAYS,
            )
        self.world.name = NAME
        ending = self._ending()
        self.oracle.after_fault(ending)
        return ending

    def run_again(self, limit: str) -> Ending:
        """Run once more, hours later, with nothing in the way; what is known to stay is put right first, as people would."""
        self.world.s3.relent()
        if limit == LONG_TAGS:
            self.options["compareTags"] = True
        if limit == LEASE:
            self._remove_broken_lease()
        self.world.before_step = lambda step, number: None
        self.world.s3.later(6 * HOUR)
        self.world.name = "next"
        ending = self._ending()
        self.oracle.after_next(ending, [] if limit == UNKNOWN_UPLOAD else self.open_uploads())
        return ending

    def _remove_broken_lease(self) -> None:
        """See that the broken lease blocks, and remove it."""
        self.world.name = "blocked"
        blocked = self._ending()
        if blocked.is_green or "leases/" not in blocked.cause:
            self.oracle.complaints.append(f"a broken lease is not named: {blocked.cause}")
        for key in [key for key in self.world.work.objects if key.startswith("leases/")]:
            self.world.work.delete(key)

    def open_uploads(self) -> list[str]:
        """Return the keys of uploads under way in any bucket."""
        return [key for bucket in self.world.s3.buckets.values() for key in bucket.open_uploads()]

    def _file(self, name: str) -> bytes | None:
        found = self.world.work.objects.get(f"runs/sync/{self.world.name}/{name}")
        return found.content.body() if found else None

    def _ending(self) -> Ending:
        arn = f"arn:aws:states:eu-west-1:111122223333:execution:sync:{self.world.name}"
        try:
            ending = Ending.of_report(self.world.run(**self.options), self._file)
        except Stopped:
            ending = Ending("Aborted", "StopExecution")
        except Exception as error:
            ending = Ending("Broken", f"{type(error).__name__}: {error}")
        self.world.s3.executions[arn] = {
            "status": "SUCCEEDED" if ending.is_green else "ABORTED",
            "stopDate": self.world.s3.clock.timestamp(),
        }
        return ending


def objects(bucket: Bucket) -> dict[str, Any]:
    """Return the state of every object: what a sync has to carry over, and no date or ETag."""
    return {key: state_of(stored) for key, stored in bucket.objects.items()}


def state_of(stored: Stored) -> tuple[Any, ...]:
    """Return all that makes an object equal to another."""
    headers = {"ContentType": "binary/octet-stream", **stored.headers}
    named = (headers, stored.metadata, stored.tags)
    part_sizes = stored.part_sizes if len(stored.part_sizes) > 1 else ()
    texts = (tuple(sorted(one.items())) for one in named)
    return (stored.content, part_sizes, *texts, stored.redirect, stored.storage_class)


@contextlib.contextmanager
def fake_place(is_distributed: bool, hours_ahead: float = 0.0) -> Iterator[FakePlace]:
    """Yield a filled world; `hours_ahead` is how far the clock of S3 is before that of all others."""
    with pytest.MonkeyPatch.context() as patch, world_on_fake_s3() as world:
        in_little(patch)
        if is_distributed:
            patch.setattr(maps, "MAX_INLINE_SHARDS", 0)
        world.s3.clock += timedelta(hours=hours_ahead)
        place = FakePlace(world, world.s3.bucket("unrelated-bucket"))
        fill(place)
        yield place


def in_little(patch: pytest.MonkeyPatch) -> None:
    """Let a small run have waves, shards, groups of parts and batches, and see at once that it is to stop."""

    def watched(self: StopWatch, turn: Turn) -> Turn:
        return replace(turn, stop=lambda: self.request or read_stop(self._folder))

    short_pages(patch, 4)
    pages_a_turn(patch, 1, 1000)
    patch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 3)
    patch.setattr("lambda_functions.shared.apply.parts.GROUP_PARTS", 2)
    patch.setattr("lambda_functions.shared.work_bucket.shards.MAX_SHARD_KEYS", 4)
    patch.setattr("lambda_functions.shared.apply.deleter.BATCH_KEYS", 2)
    patch.setattr(StopWatch, "watched", watched)


def fill(place: FakePlace) -> None:
    """Put something for every kind of request in scope, and a little of it out of scope."""
    here, there = place.world.source, place.world.destination
    for number in range(5):
        here.put(f"in/new-{number}", f"new {number}".encode(), metadata={"number": str(number)})
        there.put(f"to/orphan-{number}", b"old", 2 * HOUR)
        for bucket, prefix in ((here, "in/"), (there, "to/")):
            bucket.put(f"{prefix}same-{number}", b"same", (1 if bucket is there else 2) * HOUR)
    here.put("in/changed", b"now", headers={"ContentType": "text/plain"}, tags={"a": "b"})
    there.put("to/changed", b"then", 2 * HOUR)
    here.put("in/drifted", b"1", metadata={"a": "b"})
    there.put("to/drifted", b"1", 2 * HOUR)
    here.put("in/empty", b"", redirect="/there")
    many = {f"{number}": "ü" * 200 for number in range(5)}
    here.put_parts("in/parts", 6 * MB, 5 * MB, 5 * MB, tags=many)
    here.put_parts("in/wide", *[5 * MB] * 4, b"5")
    here.put("in/cold", b"cold", storage_class="GLACIER")
    there.put("to/odd\x01orphan", b"old", 2 * HOUR)
    outside = (
        (here, ("in/left.tmp", "inside", "a")),
        (there, ("to/left.tmp", "tools", "z")),
        (place.unrelated, ("in/b", "to/c")),
    )
    for bucket, keys in outside:
        for key in keys:
            bucket.put(key, key.encode(), 3 * HOUR)
