"""Whether AWS still takes a Lambda's runtime: a note when it is deprecated, a mistake once functions cannot be created with it.

`check` calls it. The dates are those that cfn-lint brings along, which follow
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html; that page also says what a deprecation means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from deployment.errors import Problem
from deployment.project.front_matter import FunctionSpec
from deployment.project.yaml_reading import line_of

REPORTED_HERE = frozenset({"W2531", "E2531", "E2533"})
"""The rules of cfn-lint about the same, which ask the clock."""

_PAGE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"


def problems(specs: Sequence[FunctionSpec], today: date) -> Iterator[Problem]:
    """Yield the runtimes with which AWS creates no functions any more."""
    for spec, runtime, dates in _known(specs):
        created = _day(dates, "create-block")
        if created and created <= today:
            updated = _day(dates, "update-block")
            still = (
                ""
                if not updated
                else f", nor updates them since {updated}"
                if updated <= today
                else (f", and updates them until {updated} only")
            )
            message = (
                f"Runtime: {runtime} has ended: AWS creates no functions with it since {created}{still}."
            )
            yield Problem(spec.source, line_of(("Runtime",), spec.places), f"{message} {_advice(dates)}")


def notes(specs: Sequence[FunctionSpec], today: date) -> Iterator[str]:
    """Yield the runtimes that are deprecated and still taken."""
    for spec, runtime, dates in _known(specs):
        deprecated, created = _day(dates, "deprecated"), _day(dates, "create-block")
        if deprecated and deprecated <= today and not (created and created <= today):
            until = f"; AWS creates functions with it until {created}" if created else ""
            message = f"Runtime: {runtime} is deprecated since {deprecated}{until}."
            yield str(Problem(spec.source, line_of(("Runtime",), spec.places), f"{message} {_advice(dates)}"))


def _known(specs: Sequence[FunctionSpec]) -> Iterator[tuple[FunctionSpec, str, dict[str, Any]]]:
    from cfnlint.data import AdditionalSpecs
    from cfnlint.helpers import load_resource

    lifecycle = load_resource(AdditionalSpecs, "LmbdRuntimeLifecycle.json")
    for spec in specs:
        runtime = spec.properties.get("Runtime")
        if isinstance(runtime, str) and runtime in lifecycle:
            yield spec, runtime, lifecycle[runtime]


def _day(dates: dict[str, Any], name: str) -> date | None:
    return date.fromisoformat(dates[name]) if dates.get(name) else None


def _advice(dates: dict[str, Any]) -> str:
    successor = dates.get("successor")
    return f"Use {successor}: {_PAGE}" if successor else f"See {_PAGE}"
