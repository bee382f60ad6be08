"""How fast a phase of a run goes, how much of it is done, and how long it will take: pure functions over samples.

What is dealt with arrives in steps: a heartbeat of every worker each ten seconds, a record at the end of its turn. So a rate is
taken between two steps, and between steps the time left counts down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WINDOW_SECONDS = 60.0
"""A rate is that of the last minute."""

QUIET_SECONDS = 15.0
"""As long as nothing new need be known of a worker that works: its heartbeat's ten seconds, and a look every five."""

BYTES_LIKE_AN_OBJECT = 8 * 1024**2
"""How many bytes are reckoned to take as long as one request: some 80 ms, at 100 MiB a second."""


@dataclass(frozen=True)
class Amount:
    """A number of objects and their bytes."""

    objects: int
    size_bytes: int

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Amount:
        """Return the amount in `{"objects": 3, "bytes": 12}`."""
        return cls(int(data.get("objects", 0)), int(data.get("bytes", 0)))

    @property
    def work(self) -> float:
        """What it takes, in objects without content: a request each, and the time for the bytes."""
        return self.objects + self.size_bytes / BYTES_LIKE_AN_OBJECT

    def part(self, fraction: float) -> Amount:
        """Return this share of the amount, 0 to 1."""
        return Amount(int(self.objects * fraction), int(self.size_bytes * fraction))

    def at_least(self, other: Amount) -> Amount:
        """Return the larger of both, of objects and of bytes."""
        return Amount(max(self.objects, other.objects), max(self.size_bytes, other.size_bytes))

    def at_most(self, other: Amount) -> Amount:
        """Return the smaller of both, of objects and of bytes."""
        return Amount(min(self.objects, other.objects), min(self.size_bytes, other.size_bytes))


@dataclass(frozen=True)
class Sample:
    """What was dealt with by a moment, in seconds of a clock that never goes back."""

    at_seconds: float
    done: Amount


@dataclass(frozen=True)
class Pace:
    """Objects and bytes in a second, and for how many seconds that is still to go on; None where nobody can tell."""

    objects_per_second: float
    bytes_per_second: float
    seconds_left: float | None = None


def add_sample(samples: Sequence[Sample], at_seconds: float, done: Amount) -> tuple[Sample, ...]:
    """Return the samples with one more; only what moves is one, and nothing ever goes back.

    More about the last moment, or about an earlier one, replaces the last. The newest sample before the window begins is kept,
    because the rate over the whole window starts from it.
    """
    if not samples:
        return (Sample(at_seconds, done),)
    last = samples[-1]
    done = done.at_least(last.done)
    if done == last.done:
        return tuple(samples)
    if at_seconds <= last.at_seconds:
        return (*samples[:-1], Sample(last.at_seconds, done))
    longer = (*samples, Sample(at_seconds, done))
    old = [one for one in longer if one.at_seconds <= at_seconds - WINDOW_SECONDS]
    return longer[max(len(old) - 1, 0) :]


def since_work_began(samples: Sequence[Sample], began_at_seconds: float) -> tuple[Sample, ...]:
    """Return the samples of a phase of which nothing was done yet, from when its workers began: that they start is no work."""
    if len(samples) != 1 or samples[0].done != Amount(0, 0):
        return tuple(samples)
    return (Sample(max(samples[0].at_seconds, began_at_seconds), Amount(0, 0)),)


def percent(done: Amount, planned: Amount) -> int:
    """Return how much of the work is done, 0 to 100; 100 only when every object is dealt with."""
    if done.objects >= planned.objects:
        return 100
    return min(int(100 * done.at_most(planned).work / planned.work), 99)


def pace(samples: Sequence[Sample], now_seconds: float, planned: Amount | None = None) -> Pace | None:
    """Return the pace between the first and the last sample, None as long as nothing has moved between two.

    Workers that say nothing for longer than they need to slow the pace down.
    """
    if len(samples) < 2:
        return None
    first, last = samples[0], samples[-1]
    silent = max(now_seconds - last.at_seconds, 0.0)
    seconds = last.at_seconds - first.at_seconds + max(silent - QUIET_SECONDS, 0.0)
    moved = Amount(last.done.objects - first.done.objects, last.done.size_bytes - first.done.size_bytes)
    left = None
    if planned is not None:
        remaining = max(planned.work - last.done.at_most(planned).work, 0.0)
        left = max(remaining * seconds / moved.work - min(silent, QUIET_SECONDS), 0.0)
    return Pace(moved.objects / seconds, moved.size_bytes / seconds, left)
