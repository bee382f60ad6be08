"""Workers that a test can kill: what the clients of one invocation belong to, on moto's wire as on the fake S3."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


class Killed(BaseException):
    """The end of a worker from outside. Nothing of ours catches it, and the worker that it hits never sends anything again."""


@dataclass
class Process:
    """What the clients of one invocation belong to."""

    is_dead: bool = False


@dataclass
class Workers:
    """Knows which worker a thread is."""

    _running: threading.local = field(
        default_factory=threading.local, kw_only=True, repr=False, compare=False
    )

    @contextlib.contextmanager
    def process(self) -> Iterator[None]:
        """Let the clients that this thread makes inside belong to one worker; raise `Killed` if that was killed."""
        before, process = self.current(), Process()
        self._running.process = process
        try:
            yield
        finally:
            self._running.process = before
        if process.is_dead:
            raise Killed("killed, though it went on as if it had not been")

    def current(self) -> Process:
        """Return the worker that this thread is."""
        process: Process = getattr(self._running, "process", None) or Process()
        return process
