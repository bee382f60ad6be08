"""What is left alone for its size, age or storage class, and what is not overwritten: judged by listings, for no request.

A key that the source has is judged by its source object alone, whatever the destination has. Where that is filtered out, the key
is present all the same: what the destination has under it is neither touched nor an orphan. An orphan has no source object. Its
size is its own, which a copy has from its source; when a copy was made and its class say nothing about the source, so with a
filter on these every orphan is kept.

Sizes are allowed from `minSize` to `maxSize`, both included; times of modification from `modifiedAfter`, included, to
`modifiedBefore`, which is not: so the filters of two days that follow on each other miss no object and have none twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lambda_functions.shared.options import Options
from lambda_functions.shared.run import size_filter, source_filter
from lambda_functions.shared.s3.listing import Entry


@dataclass(frozen=True)
class Filters:
    """The filters of a run, made once; asked only where there are any, see `filters_of`."""

    leaves_out: Callable[[Entry], bool]
    """Whether a source object is filtered out."""

    keeps_orphan: Callable[[Entry], bool]
    """Whether an object that only the destination has is kept for its own size, or whatever it is."""

    keeps_existing: Callable[[Entry, Entry], bool]
    """Whether the object of the destination, the second, is not overwritten by that of the source."""


def filters_of(options: Options) -> Filters | None:
    """Return the filters that options ask for, None where they ask for none."""
    if not options.has_filters and options.overwrite is True:
        return None
    is_outside = size_filter(options) or _never
    return Filters(
        leaves_out=source_filter(options) or _never,
        keeps_orphan=_always if options.has_source_filters else is_outside,
        keeps_existing=_kept_by(options.overwrite),
    )


def _kept_by(overwrite: bool | str) -> Callable[[Entry, Entry], bool]:
    if overwrite == "newer":
        return lambda source, destination: source.modified <= destination.modified
    return lambda source, destination: not overwrite


def _always(entry: Entry) -> bool:
    return True


def _never(entry: Entry) -> bool:
    return False
