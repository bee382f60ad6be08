"""How many writes a worker has in flight: fewer where S3 says that they are too many, more again while it does not.

A new bucket has one partition, which takes 3,500 writes a second before it answers 503 SlowDown; S3 splits it only while it is
busy (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html). Some seven workers fill it, and none
knows of the others. So each keeps to a rule of its own, from nothing but its clock and the 503s that it gets itself.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import is_throttled
from lambda_functions.shared.invocation import LOOK_SECONDS

# A plan of fewer objects is done before a partition is full for long; a larger one begins with a quarter of what a worker can do.
MANY_OBJECTS = 100_000
FIRST_SHARE = 0.25
# Without a 503, half as many more every ten seconds: from a quarter to all in 34.
GROWTH = 1.5
GROWTH_SECONDS = 10.0
# 503s that come so soon after a halving are of requests that were sent before it, so they are answered by it already.
HALVING_SECONDS = 1.0


@dataclass(frozen=True)
class InFlight:
    """How many requests may be in flight at one moment of a clock in seconds: `limit`, from 1 to `most`.

    It grows evenly and not by jumps. Of many workers that fill a partition together, one then meets its end first and makes room,
    where a jump of all at once would go far beyond it, and halve all.
    """

    most: int
    level: float
    at: float
    halved_at: float = -math.inf

    @classmethod
    def begin(cls, most: int, planned: int, now: float) -> InFlight:
        """Return where a worker begins that can have `most` in flight, of a plan of so many objects."""
        return cls(most, max(1.0, most * (FIRST_SHARE if planned >= MANY_OBJECTS else 1.0)), now)

    @property
    def limit(self) -> int:
        """Return how many may be in flight."""
        return int(self.level)

    def until(self, now: float) -> InFlight:
        """Return the same at a later moment; a longer time in which nobody asked tells no more of S3 than one of growth does."""
        seconds = min(max(now - self.at, 0.0), GROWTH_SECONDS)
        grown = self.level * GROWTH ** (seconds / GROWTH_SECONDS)
        return replace(self, level=min(float(self.most), grown), at=now)

    def after_throttling(self, now: float) -> InFlight:
        """Return half as many, once for all 503s that come together."""
        if now - self.halved_at < HALVING_SECONDS:
            return self
        present = self.until(now)
        return replace(present, level=max(1.0, present.level / 2), halved_at=now)


@dataclass
class Gate:
    """The rule in the hands of threads; `with gate:` waits for a place among those that may be in flight."""

    state: InFlight
    now: Callable[[], float]
    _inside: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @classmethod
    def begin(cls, most: int, planned: int = 0) -> Gate:
        """Return a gate that begins now, see `InFlight.begin`."""
        return cls(InFlight.begin(most, planned, time.monotonic()), time.monotonic)

    def limit(self) -> int:
        """Return how many may be in flight now."""
        with self._changed:
            self.state = self.state.until(self.now())
            return self.state.limit

    def slow_down(self) -> None:
        """Take note of a 503."""
        with self._changed:
            self.state = self.state.after_throttling(self.now())

    def share(self, number: int) -> int:
        """Return as much of a number, at least 1, as may be in flight of the most."""
        return max(1, number * self.limit() // self.state.most)

    def watch(self, *clients: Any) -> None:
        """Hear every 503 that these clients get from now on, also those after which botocore sends a request once more."""
        for client in clients:
            client.meta.events.register("needs-retry.s3", self._hear)

    def _hear(self, response: tuple[Any, Mapping[str, Any]] | None, **_: Any) -> None:
        if response and "Error" in response[1] and is_throttled(ClientError(dict(response[1]), "")):
            self.slow_down()

    def __enter__(self) -> None:
        with self._changed:
            while self._inside >= self.limit():
                self._changed.wait(LOOK_SECONDS)
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify(max(1, self.limit() - self._inside))


@functools.lru_cache(maxsize=1)
def gate_of(folder: str, planned: int, most: int) -> Gate:
    """Return the gate of a run, by its folder in the work bucket: a warm Lambda goes on where its last turn ended."""
    return Gate.begin(most, planned)
