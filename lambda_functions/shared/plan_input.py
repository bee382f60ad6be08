"""The input that names the plan of a dry run: every option comes from there, so hardly anything may stand beside it. Pure.

`{"plan": "<state machine>/<execution name>", "planDigest": "...", "maxConcurrency": 40}`, or the execution's name alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from lambda_functions.shared.spelling import Spelling, quote

PLAN, DIGEST = "plan", "planDigest"
NAMES = (PLAN, DIGEST)
BESIDE = (DIGEST, "maxConcurrency")
MAX_NAMED = 10
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html#StepFunctions-StartExecution-request-name
_NAME = r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,80}"
_PLAN = re.compile(rf"(?:{_NAME}/)?{_NAME}")
_DIGEST = re.compile("[0-9a-f]{64}")

Rules = Mapping[str, Callable[[Any], str | None]]


def names_plan(data: Any) -> bool:
    """Whether an input is one that names a plan, or was meant to be."""
    return isinstance(data, Mapping) and any(name in data for name in NAMES)


def plan_problems(
    data: Mapping[str, Any], rules: Rules, passed_over: Collection[str], spelling: Spelling
) -> list[str]:
    """Return everything that is wrong with such an input; `rules` are those of the options by name."""
    return [
        *_missing(data, spelling),
        *_too_much(data, rules, passed_over, spelling),
        *_wrong(data, rules, spelling),
    ]


def _missing(data: Mapping[str, Any], spelling: Spelling) -> Iterator[str]:
    if PLAN not in data:
        yield f"{spelling.name(DIGEST)} is given without {spelling.name(PLAN)}"


def _too_much(
    data: Mapping[str, Any], rules: Rules, passed_over: Collection[str], spelling: Spelling
) -> Iterator[str]:
    others = [name for name in data if name not in (PLAN, *BESIDE, *passed_over)]
    if others:
        first = [spelling.name(name) if name in rules else quote(name) for name in others[:MAX_NAMED]]
        named = ", ".join([*first, *([f"{len(others) - MAX_NAMED} more"] if others[MAX_NAMED:] else [])])
        allowed = " and ".join(spelling.name(name) for name in BESIDE)
        yield (
            f"{named} cannot stand beside {spelling.name(PLAN)}: all options are those of the dry run, and only {allowed} "
            "may be added"
        )


def _wrong(data: Mapping[str, Any], rules: Rules, spelling: Spelling) -> Iterator[str]:
    expected = {
        PLAN: lambda value: _expect(_PLAN, value, "the name of a dry run, or <state machine>/<name>"),
        DIGEST: lambda value: _expect(
            _DIGEST, value, "the 64 hexadecimal digits that the dry run shows with its plan"
        ),
        "maxConcurrency": rules["maxConcurrency"],
    }
    for name, rule in expected.items():
        problem = rule(data[name]) if name in data else None
        if problem:
            yield f"{spelling.given(name, data[name])}; {problem}"


def _expect(pattern: re.Pattern[str], value: Any, words: str) -> str | None:
    return None if isinstance(value, str) and pattern.fullmatch(value) else f"expected {words}"
