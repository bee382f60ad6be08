"""Whether a person has asked the run to stop: `stop.json` in the run's folder, written by `fab stop`.

    {"file": "runs/.../stop.json", "askedAt": "2026-11-28T13:00:00Z", "endsMap": false}

That it is there is what counts: one that cannot be read, or is another's, stops the run as well, because going on is what cannot
be taken back. A worker asks before its first object, and in a thread of its own every two seconds from the fifth on; one that is
done by then asks no more. What is under way is ended, nothing more is begun, and records are written as ever.

`endsMap` comes later, once every worker that had begun before has ended (`fab stop` waits for that): from then on a shard that
would begin fails at once and leaves no record, so that a Map Run of very many shards ends soon.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType

from lambda_functions.shared.invocation import StopRequest, Turn
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

STOP = "stop.json"
FIRST_SECONDS = 5.0
INTERVAL_SECONDS = 2.0
# Waits so many seconds at most; returns True as soon as the turn is over.
Wait = Callable[[float], bool]


def read_stop(folder: RunFolder) -> StopRequest | None:
    """Return what `fab stop` has asked for, None if nothing; raises what the request itself raises."""
    try:
        document = folder.read(STOP)
    except RunFileBroken:
        return StopRequest()
    return None if document is None else StopRequest(document.get("endsMap") is True)


class StopWatch:
    """Asks for `stop.json` while a turn lasts; entering it asks for the first time, and raises what that raises.

    Later requests that fail say nothing: the work goes on, and two seconds later the next one asks again.
    """

    def __init__(self, folder: RunFolder, wait: Wait | None = None) -> None:
        self.request: StopRequest | None = None
        self._folder = folder
        self._over = threading.Event()
        self._wait = wait or self._over.wait

    def watched(self, turn: Turn) -> Turn:
        """Return the turn, which now hears of the stop."""
        return replace(turn, stop=lambda: self.request)

    def run(self) -> None:
        """Ask when it is time, until the turn is over or the answer is yes."""
        seconds = FIRST_SECONDS
        while not self.request and not self._wait(seconds):
            with contextlib.suppress(Exception):
                self.request = read_stop(self._folder)
            seconds = INTERVAL_SECONDS

    def __enter__(self) -> StopWatch:
        """Ask, and begin to watch the clock."""
        self.request = read_stop(self._folder)
        if not self.request:
            threading.Thread(target=self.run, name="stop", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, without waiting for a request that is under way."""
        self._over.set()
