"""Tries the cases of a target, counts what became of them, and makes the first of each kind of failure small."""

from __future__ import annotations

import random
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .minimising import minimise

# Longer than the slowest case by far, on a busy machine too: whoever takes longer hangs, as far as a person can tell.
MOST_CASE_SECONDS = 20
MOST_FAILURES = 5
# So many cases are enough to say that none was accepted because none can be.
ENOUGH_CASES = 20


class TooSlow(BaseException):
    """A case takes longer than any should; no Exception, which the product might take for one of its own."""


@dataclass(frozen=True)
class Target:
    """What reads something: `draw` makes a case of plain data, `check` raises where a promise about it is broken.

    It returns True where the case was taken for right, False where it was refused as promised.
    """

    name: str
    draw: Callable[[random.Random], Any]
    check: Callable[[Any], bool]

    def case(self, seed: int, number: int) -> Any:
        """Return a case, the same one for a seed and a number whatever was tried before."""
        return self.draw(random.Random(f"{seed} {self.name} {number}"))


@dataclass(frozen=True)
class Failure:
    """A broken promise: the number of the case, what was raised where, and the smallest case that was found to raise it."""

    number: int
    error: str
    place: str
    smallest: Any


@dataclass
class Result:
    """What became of the cases of a target."""

    name: str
    seconds: float = 0.0
    accepted: int = 0
    refused: int = 0
    failed: int = 0
    failures: dict[str, Failure] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        return self.accepted + self.refused + self.failed

    @property
    def tests_nothing(self) -> bool:
        """Whether every case was refused, so that hardly more was tried than the first check of what reads them."""
        return self.tried >= ENOUGH_CASES and self.accepted == 0

    @property
    def is_good(self) -> bool:
        return self.failed == 0 and not self.tests_nothing


def run(target: Target, seed: int, *, seconds: float = 0.0, cases: int = 0, first: int = 0) -> Result:
    """Try the cases of a target from number `first` on: so many, or for so many seconds."""
    result, began, number = Result(target.name), time.monotonic(), first
    while number < first + cases if cases else time.monotonic() - began < seconds:
        _try(target, seed, number, result)
        number += 1
    result.seconds = time.monotonic() - began
    return result


def _try(target: Target, seed: int, number: int, result: Result) -> None:
    case = target.case(seed, number)
    accepted, error = _attempt(target, case)
    if error is None:
        result.accepted += accepted
        result.refused += not accepted
        return
    result.failed += 1
    kind = _kind(error)
    if kind not in result.failures and len(result.failures) < MOST_FAILURES:
        smallest = minimise(case, lambda smaller: _is_of_kind(target, smaller, kind))
        again = _attempt(target, smallest)[1] or error
        result.failures[kind] = Failure(number, _first_line(again), _place(error), smallest)


def _attempt(target: Target, case: Any) -> tuple[bool, BaseException | None]:
    try:
        with _time_limit():
            return target.check(case), None
    except (Exception, TooSlow) as error:
        return False, error


def _is_of_kind(target: Target, case: Any, kind: str) -> bool:
    error = _attempt(target, case)[1]
    return error is not None and _kind(error) == kind


def _kind(error: BaseException) -> str:
    """Return what failures of one kind have in common: the class of the error, and the line of ours that raised it."""
    return f"{type(error).__name__} {_place(error)}"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if "site-packages" not in frame.filename and "/lib/" not in frame.filename
    ]
    last = (own or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}" if not isinstance(error, TooSlow) else "anywhere"


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:600]}"


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise TooSlow inside, in the main thread of a system that has alarms; elsewhere nothing is limited."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(*_: object) -> None:
        raise TooSlow(f"not done after {MOST_CASE_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, MOST_CASE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
