"""How far a worker is while it works, for whoever watches the run: `alive/<item>.json` in the run's folder.

    {"file": "runs/.../alive/copy-000001.json", "record": "copied/copy-000001-0.json", "objects": 161, "bytes": 2347, "failed": 0,
     "seconds": 15.0, "missed": 0}

`objects` and `bytes` are what this turn has dealt with so far, `failed` those of them that are not in sync, `missed` the
heartbeats that could not be written. Never a record: no worker reads it, nothing is added up from it, and once the record that
it names is there, it says nothing any more. A turn that is over before the first one is due writes none: small runs send no
request more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from lambda_functions.shared.outcomes import Tally
from lambda_functions.shared.work_bucket.run_folder import RunFolder

FOLDER = "alive"
FIRST_SECONDS = 5.0
INTERVAL_SECONDS = 10.0
# How long the last word waits for a heartbeat under way: an older one must not replace it.
MAX_WAIT_SECONDS = 1.0
# Waits so many seconds at most; returns True as soon as the turn is over.
Wait = Callable[[float], bool]


class Heartbeat:
    """Writes, in a thread of its own, what `beat` was told last: 5 seconds after the turn began, then every 10 seconds.

    A write that fails is counted and forgotten, whatever the reason: neither it nor a slow one ever holds up the work. Where no
    record follows soon, as after the parts of a large object, `has_last_word` writes the last counts too, if others were.
    """

    def __init__(
        self,
        folder: RunFolder,
        item: str,
        record: str,
        has_last_word: bool = False,
        wait: Wait | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.written = self.missed = 0
        self._folder, self._name, self._record = folder, f"{FOLDER}/{item}.json", record
        self._has_last_word = has_last_word
        self._counts: Mapping[str, int] = counts()
        self._over = threading.Event()
        self._wait = wait or self._over.wait
        self._now, self._began_at = now, now()
        self._writing = threading.Lock()

    def beat(self, counts: Mapping[str, int]) -> None:
        """Say how far the turn is; as cheap as an assignment, so it may be said of every object."""
        self._counts = counts

    def run(self) -> None:
        """Write when it is time, until the turn is over."""
        seconds = FIRST_SECONDS
        while not self._wait(seconds):
            self._write()
            seconds = INTERVAL_SECONDS

    def __enter__(self) -> Heartbeat:
        """Begin to watch the clock."""
        threading.Thread(target=self.run, name="heartbeat", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, without waiting for a write that is under way."""
        self._over.set()
        if self._has_last_word and self.written:
            self._write()

    def _write(self) -> None:
        if not self._writing.acquire(timeout=MAX_WAIT_SECONDS):
            self.missed += 1
            return
        try:
            self._folder.write(self._name, self._document())
            self.written += 1
        except Exception:  # a courtesy: the work goes on, whatever is wrong with the work bucket
            self.missed += 1
        finally:
            self._writing.release()

    def _document(self) -> dict[str, Any]:
        seconds = round(self._now() - self._began_at, 1)
        return {"record": self._record, **self._counts, "seconds": seconds, "missed": self.missed}


def counts(objects: int = 0, size_bytes: int = 0, failed: int = 0) -> dict[str, int]:
    """Return what `beat` takes."""
    return {"objects": objects, "bytes": size_bytes, "failed": failed}


def counts_of(tally: Tally, objects: int) -> dict[str, int]:
    """Return the same of a tally, and the number of objects that a turn has dealt with."""
    return counts(objects, sum(tally.bytes.values()), tally.objects["failed"] + tally.objects["changed"])
