"""Threads of which one runs at a time, in an order that is decided and not met: what the simulation of interleavings stands on.

A task is a thread that hands control back wherever it sends a request (`ask`) or waits for another task (`block`); the pools and
queues of the Lambdas are replaced by some that do so too. Whatever does not wait for a turn of its own runs first, in the order
in which it was begun, so between two requests nothing is left to chance: `Turns` asks `choose` which request is next, and that is
all there is to an order. No real lock is ever waited for by two tasks, and nothing sleeps.
"""

from __future__ import annotations

import concurrent.futures
import contextvars
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers import Killed

_here = threading.local()


class Deadlock(AssertionError):
    """Every task waits for another one."""


@dataclass(eq=False)
class Task:
    """One thread; `request` is what it wants to send, `is_ready` what it waits for, `owner` whatever it works for."""

    turns: Turns
    number: int
    work: Callable[[], Any]
    owner: Any = None
    request: Any = None
    is_ready: Callable[[], bool] | None = None
    verdict: Any = None
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None
    hand: Hand = field(init=False)

    def pause(self) -> Any:
        """Hand control on; return the verdict with which this goes on. Raises Killed where everything is to end."""
        if not self.turns.is_over:
            self.turns.hand_on(self.hand)
        if self.turns.is_over:
            raise Killed("the simulation is over")
        return self.verdict

    def begin(self) -> None:
        """Give it to a thread, which waits for its first turn."""
        self.is_ready = lambda: True
        self.hand = _idle.pop() if _idle else Hand()
        self.hand.task = self

    def run(self) -> None:
        """Do the work; what becomes of it is for whoever waits for this task."""
        _here.task = self
        try:
            if not self.turns.is_over:
                self.result = self.work()
        except BaseException as error:  # the end of a worker, too
            self.error = error
        finally:
            self.is_done = True


class Hand:
    """A thread that does one task after the other, each as if the thread were new; whoever releases `baton` gives it control."""

    def __init__(self) -> None:
        self.task: Task | None = None
        self.baton = _taken()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            self.baton.acquire()
            task, self.task = self.task, None
            assert task is not None
            contextvars.Context().run(task.run)
            turns = task.turns
            turns.tasks.remove(task)
            del task
            _idle.append(self)
            turns.hand_on(None)
            del turns


def _taken() -> threading.Lock:
    """Return a lock that whoever wants it waits for until somebody else releases it."""
    lock = threading.Lock()
    lock.acquire()
    return lock


# Threads without a task; only one thread runs at a time, so nobody else takes one meanwhile. None outlives a fork.
_idle: list[Hand] = []
os.register_at_fork(after_in_child=_idle.clear)


@dataclass
class Turns:
    """All tasks. Whoever has control decides who is next: handing it back to one thread that does would take twice the time."""

    tasks: list[Task] = field(default_factory=list)
    is_over: bool = False
    _choose: Callable[[Sequence[Task]], Task] | None = None
    _error: BaseException | None = None
    _back: threading.Lock = field(default_factory=_taken)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def spawn(self, work: Callable[[], Any], owner: Any = None) -> Task:
        """Begin a task; it belongs to the owner of the one that begins it unless another is given."""
        mine = getattr(_here, "task", None)
        task = Task(self, next(self._numbers), work, owner or (mine.owner if mine else None))
        self.tasks.append(task)
        task.begin()
        return task

    def run(self, choose: Callable[[Sequence[Task]], Task]) -> None:
        """Let one request after the other be carried out, until every task has ended; raise what `choose` raises."""
        self._choose = choose
        self._go_on()
        if self._error:
            error, self._error = self._error, None
            raise error

    def end(self) -> None:
        """End whatever has not ended."""
        self.is_over = True
        self._go_on()

    def _go_on(self) -> None:
        self.hand_on(None)
        self._back.acquire()

    def hand_on(self, mine: Hand | None) -> None:
        """Give control to whoever is next, and wait for it to come back to this thread, where there is one."""
        task = self._next()
        if task and task.hand is mine:
            return
        (task.hand.baton if task else self._back).release()
        if mine:
            mine.baton.acquire()

    def _next(self) -> Task | None:
        """Return the task whose turn it is; None if all have ended, or nobody can tell."""
        if self.is_over:
            return self.tasks[0] if self.tasks else None
        try:
            task = self._decided()
        except (
            BaseException
        ) as error:  # for whoever let all of this run, not for the task that happened to end its turn
            self._error = error
            return None
        if task:
            task.is_ready = task.request = None
        return task

    def _decided(self) -> Task | None:
        """Decide: first whatever waits for no request, in the order in which it was begun, then the one that is chosen."""
        ready = next((task for task in self.tasks if task.is_ready and task.is_ready()), None)
        if ready or not self.tasks:
            return ready
        waiting = [task for task in self.tasks if task.request is not None]
        if not waiting:
            raise Deadlock(f"{len(self.tasks)} tasks wait for each other")
        assert self._choose is not None
        return self._choose(waiting)


def present() -> Task:
    """Return the task that this thread is."""
    task: Task = _here.task
    return task


def ask(request: Any) -> Any:
    """Wait until this request is the next; return the verdict on it."""
    task = present()
    task.request = request
    return task.pause()


def block(is_ready: Callable[[], bool]) -> None:
    """Wait for something that another task does."""
    if not is_ready():
        task = present()
        task.is_ready = is_ready
        task.pause()


class Future(concurrent.futures.Future[Any]):
    """A future whose waiting is that of a task."""

    def result(self, timeout: float | None = None) -> Any:
        block(self.done)
        return super().result(0)


class Pool:
    """As ThreadPoolExecutor, each job a task of its own."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._futures: list[Future] = []

    def submit(self, work: Callable[..., Any], *values: Any, **named: Any) -> Future:
        future = Future()
        self._futures.append(future)
        present().turns.spawn(lambda: _fulfil(future, lambda: work(*values, **named)))
        return future

    def map(self, work: Callable[..., Any], *values: Iterable[Any]) -> Iterator[Any]:
        futures = [self.submit(work, *some) for some in zip(*values, strict=False)]
        return (future.result() for future in futures)

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        for future in self._futures if cancel_futures else ():
            future.cancel()
        if wait:
            block(lambda: all(future.done() for future in self._futures))

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


def _fulfil(future: Future, work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


class Queue:
    """As SimpleQueue."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)

    def get(self) -> Any:
        block(lambda: bool(self._items))
        return self._items.popleft()


def wait_by(now: Callable[[], float]) -> Callable[..., tuple[list[Future], list[Future]]]:
    """Return `concurrent.futures.wait` on this clock; what it returns is in order, where that of Python is in sets."""

    def wait(
        futures: Iterable[Future],
        timeout: float | None = None,
        return_when: str = concurrent.futures.ALL_COMPLETED,
    ) -> tuple[list[Future], list[Future]]:
        every, until = list(futures), None if timeout is None else now() + timeout
        enough = any if return_when == concurrent.futures.FIRST_COMPLETED else all

        def is_ready() -> bool:
            return enough(one.done() for one in every) or (until is not None and now() >= until)

        block(is_ready)
        return [one for one in every if one.done()], [one for one in every if not one.done()]

    return wait
