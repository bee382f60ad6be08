"""What a report warns of although nothing failed: a scope or filters that leave nothing of the source, as misspelt ones do, and
orphans that filters keep; and what is done otherwise than storage classes would have it.

Pure: options and the sums of a comparison that has read both sides to the end in, sentences out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lambda_functions.shared.option_rules import SLOW_ARCHIVE, Restore
from lambda_functions.shared.options import Options
from lambda_functions.shared.outcomes import object_count, pluralize
from lambda_functions.shared.spelling import quote
from lambda_functions.shared.tally.plan import ComparisonTotals

# The filters that look at either side, and those that look at source objects only.
SIZES = ("minSize", "maxSize")
OF_SOURCE = ("modifiedAfter", "modifiedBefore", "storageClasses")
# `{"GLACIER": {"objects": 3, "bytes": 12}}`
Amounts = Mapping[str, Mapping[str, int]]


def scope_warnings(options: Options, compared: ComparisonTotals) -> list[str]:
    """Return what is odd about the scope of a run whose source has nothing in it, and which orphans filters keep.

    None where nothing limits the scope.
    """
    return [*_empty_source_warnings(options, compared), *_kept_orphans(options, compared)]


def class_warnings(
    as_standard: Mapping[str, int], restores: Amounts, restore: Restore | None
) -> Iterator[str]:
    """Yield what is done otherwise than the classes of the sources, or the tier of a restore, would have it."""
    for name, number in sorted(as_standard.items()):
        yield (
            f"{pluralize(number)} to copy {'has' if number == 1 else 'have'} the storage class {name}, which nobody can write: "
            f"{'its copy is' if number == 1 else 'their copies are'} STANDARD."
        )
    slow = object_count(restores, SLOW_ARCHIVE)
    if slow and restore and restore.tier_of(SLOW_ARCHIVE) != restore.tier:
        yield (
            f"{pluralize(slow)} to restore {'is' if slow == 1 else 'are'} in {SLOW_ARCHIVE}, which has no {restore.tier}: "
            f"the tier there is {restore.tier_of(SLOW_ARCHIVE)}."
        )


def _empty_source_warnings(options: Options, compared: ComparisonTotals) -> list[str]:
    if compared.in_scope("source"):
        return list(_filters_leave_nothing(options, compared))
    listed = compared.listed.get("source", 0)
    empty = _patterns_leave_nothing(options, listed) if listed else _nothing_listed(options)
    return [*empty, *_destination_has_some(options, compared)]


def _nothing_listed(options: Options) -> Iterator[str]:
    """Yield what may be misspelt where the source has no object under its prefix, or none after a key."""
    limits = []
    if options.prefix:
        limits.append(f"under the prefix {quote(options.prefix)}")
    if options.startAfter:
        limits.append(f"after the key {quote(options.startAfter)}")
    if limits:
        yield f"Nothing was listed in the source {options.source} {' '.join(limits)}: check its spelling."


def _patterns_leave_nothing(options: Options, listed: int) -> Iterator[str]:
    """Yield which patterns leave nothing of what was listed."""
    names = [name for name in ("include", "exclude") if getattr(options, name)]
    leave = "leave" if len(names) > 1 else "leaves"
    without = f", without the prefix {quote(options.prefix)}" if options.prefix else ""
    yield (
        f"{pluralize(listed)} of the source {options.source} {'was' if listed == 1 else 'were'} listed, and "
        f"{' and '.join(names)} {leave} none in scope: check the patterns. A pattern has to match the whole key{without}."
    )


def _filters_leave_nothing(options: Options, compared: ComparisonTotals) -> Iterator[str]:
    """Yield which filters leave nothing of what the patterns left."""
    if not compared.left_of_source():
        names = _filters_in(options, (*SIZES, *OF_SOURCE))
        leave = "leave" if len(names) > 1 else "leaves"
        in_scope = compared.in_scope("source")
        yield (
            f"{pluralize(in_scope)} of the source {options.source} {'is' if in_scope == 1 else 'are'} in scope, and "
            f"{_join(names)} {leave} none of them: check what {'these say' if len(names) > 1 else 'it says'}."
        )


def _kept_orphans(options: Options, compared: ComparisonTotals) -> Iterator[str]:
    """Yield how many orphans are kept because only their source objects, which are gone, could have been judged."""
    number, names = compared.filtered.get("destination", 0), _filters_in(options, OF_SOURCE)
    if not number or not names:
        return
    are, them = ("is", "it") if number == 1 else ("are", "them")
    look, these = ("looks", "that option") if len(names) == 1 else ("look", "these options")
    yield (
        f"{pluralize(number, 'orphan')} of the destination {options.destination} {are} kept: {_join(names)} {look} at source "
        f"objects, and the source does not have {them} any more. Only a run without {these} deletes orphans."
    )


def _filters_in(options: Options, names: Iterable[str]) -> list[str]:
    """Return those of the filters that options have."""
    return [name for name in names if getattr(options, name) not in (None, ())]


def _join(names: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join([*([", ".join(names[:-1])] if names[:-1] else []), names[-1]])


def _destination_has_some(options: Options, compared: ComparisonTotals) -> Iterator[str]:
    """Yield how much the destination has where a limited scope leaves nothing of the source."""
    there = compared.in_scope("destination")
    is_limited = options.prefix or options.startAfter or options.include or options.exclude
    if there and is_limited:
        yield (
            f"The destination {options.destination} has {pluralize(there)} in scope, and the source {options.source} has none: "
            f"{'all of them are orphans' if there > 1 else 'it is an orphan'}."
        )
