"""A thread that waits for its turn to end: which one it is, and the end at its first wait."""

from __future__ import annotations

import threading


class FirstWait:
    """Stands for the wait of a thread: notes who waits, and lets the turn be over."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._has_waited = threading.Event()

    def __call__(self, seconds: float) -> bool:
        self._threads.append(threading.current_thread())
        self._has_waited.set()
        return True

    def thread(self) -> tuple[str, bool]:
        """Return the name of the only thread that has waited, and whether it lets the process end."""
        assert self._has_waited.wait(60)
        (thread,) = self._threads
        return thread.name, thread.daemon
