"""Whether what stands in a run's `report.json` is a report, so that whoever tells of it need not ask at every step. Pure.

Reports of older deployments lack what came later, and newer ones may have more. What is known here has the kind of value that
every version writes. What a table always has a row for must be there: what a report does not say is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Shape = Callable[[Any], bool]

# More bytes, objects or dollars than there will be; what is larger cannot even be divided.
MAX_AMOUNT = 10**24

_ALWAYS_SAID = ("current", "deleted")


def is_report(document: Any) -> bool:
    """Whether a document is a report as some version of a run writes it; of a run that never began it is hardly one.

    That one has what the input had as buckets, whatever it was.
    """
    if not isinstance(document, Mapping):
        return False
    has_begun = "copied" in document
    return (not has_begun or _has_rows(document)) and all(
        fits(document[name]) for name, fits in _SHAPES.items() if name in document
    )


def _has_rows(report: Mapping[str, Any]) -> bool:
    plan = report.get("plan")
    is_planned = isinstance(plan, Mapping) and "copy" in plan and "delete" in plan
    is_named = _is_text(report.get("source")) and _is_text(report.get("destination"))
    return is_named and is_planned and all(name in report for name in _ALWAYS_SAID)


def is_failure(line: Any) -> bool:
    """Whether a line is one of a file of failures: `{"key", "what", "error"}`, of which older runs may lack the last."""
    if not isinstance(line, Mapping) or not {"key", "what"} <= line.keys():
        return False
    return all(isinstance(line.get(name, ""), str) for name in ("key", "what", "error"))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_AMOUNT


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value)


def _is_money(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("s3://")


def _list_of(shape: Shape) -> Shape:
    return lambda value: isinstance(value, list) and all(map(shape, value))


def _mapping_of(shape: Shape) -> Shape:
    return lambda value: isinstance(value, Mapping) and all(map(shape, value.values()))


def _is_amount(value: Any) -> bool:
    return _mapping_of(_is_count)(value) and "objects" in value


def _is_plan(value: Any) -> bool:
    return _mapping_of(_is_amount)(value)


def _is_cause(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and _is_count(value.get("objects"))
        and _is_mapping(value.get("example", {}))
    )


def _is_comparison(value: Any) -> bool:
    """Whether a value is what a verification has found; nothing, where it was not made."""
    if not isinstance(value, Mapping) or "objects" not in value:
        return not value or isinstance(value, Mapping)
    return all(_is_count(value.get(name)) for name in ("objects", "differences", "writtenMeanwhile"))


_SHAPES: Mapping[str, Shape] = {
    **dict.fromkeys(("outcome", "planDigest", "appliedPlan"), _is_text),
    **dict.fromkeys(
        ("copied", "deleted", "current", "changed", "unprovable", "failed", "stopped", "notOverwritten"),
        _is_amount,
    ),
    **dict.fromkeys(("requests", "listed", "outOfScope", "filtered", "skipped"), _mapping_of(_is_count)),
    **dict.fromkeys(("cost", "plannedCost"), _mapping_of(_is_number)),
    **dict.fromkeys(("estimatedCostUsd", "plannedCostUsd"), _is_money),
    **dict.fromkeys(("unusualPages", "deleteMarkers"), _is_count),
    **dict.fromkeys(("warnings", "pricedAsUsEast1"), _list_of(_is_text)),
    "notSynchronised": _list_of(_is_mapping),
    "options": _is_mapping,
    "plan": _is_plan,
    "causes": _mapping_of(_is_cause),
    "verified": _is_comparison,
    "report": _is_address,
}
