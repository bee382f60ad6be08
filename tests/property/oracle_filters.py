"""What filters leave alone, by the prose of `docs/input.md` alone, as the oracle of a sync is; pure functions over plain data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

Options = Mapping[str, Any]
SIZES = ("minSize", "maxSize")
OF_SOURCE = ("modifiedAfter", "modifiedBefore", "storageClasses")


class Filtered(Protocol):
    """What filters look at."""

    body: bytes
    modified: int
    storage_class: str


def seconds(text: str) -> float:
    """Return a moment as seconds since 1970."""
    return datetime.fromisoformat(text.upper()).timestamp()


def has_filters(options: Options) -> bool:
    """Tell whether anything is filtered by what a listing says."""
    return any(options.get(name) not in (None, []) for name in (*SIZES, *OF_SOURCE))


def leave_nothing(options: Options) -> bool:
    """Tell whether two filters contradict each other."""
    sizes = all(name in options for name in SIZES) and options["minSize"] > options["maxSize"]
    times = [seconds(options[name]) for name in OF_SOURCE[:2] if name in options]
    return sizes or (len(times) == 2 and times[0] >= times[1])


def fits(found: Filtered, options: Options) -> bool:
    """Tell whether an object is of a size that is allowed."""
    size = len(found.body)
    return options.get("minSize", 0) <= size <= options.get("maxSize", size)


def passes(found: Filtered, options: Options) -> bool:
    """Tell whether a source object passes all filters."""
    after, before = (options.get(name) for name in OF_SOURCE[:2])
    return (
        fits(found, options)
        and (after is None or found.modified >= seconds(after))
        and (before is None or found.modified < seconds(before))
        and (not options.get("storageClasses") or found.storage_class in options["storageClasses"])
    )


def keeps_orphan(found: Filtered, options: Options) -> bool:
    """Tell whether an object that only the destination has is kept by a filter."""
    return any(options.get(name) for name in OF_SOURCE) or not fits(found, options)


def stays(source: Filtered, there: Filtered, options: Options) -> bool:
    """Tell whether what the destination has is not overwritten, even if it differs."""
    overwrite = options.get("overwrite", True)
    return overwrite is False or (overwrite == "newer" and source.modified <= there.modified)
