"""What a report warns of although nothing failed: a scope that leaves nothing of the source, as misspelt ones do.

Pure: options and the sums of a comparison that has read both sides to the end in, sentences out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from lambda_functions.shared.options import Options
from lambda_functions.shared.outcomes import pluralize
from lambda_functions.shared.tally.plan import ComparisonTotals

# How much of a prefix is told: it may have 1,024 bytes, and a report travels in a state.
MAX_QUOTED_CHARACTERS = 80


def scope_warnings(options: Options, compared: ComparisonTotals) -> list[str]:
    """Return what is odd about the scope of a run whose source has nothing in it; none where nothing limits the scope."""
    if compared.in_scope("source"):
        return []
    listed = compared.listed.get("source", 0)
    empty = _patterns_leave_nothing(options, listed) if listed else _nothing_listed(options)
    return [*empty, *_destination_has_some(options, compared)]


def _nothing_listed(options: Options) -> Iterator[str]:
    """Yield what may be misspelt where the source has no object under its prefix, or none after a key."""
    limits = []
    if options.prefix:
        limits.append(f"under the prefix {_quote(options.prefix)}")
    if options.startAfter:
        limits.append(f"after the key {_quote(options.startAfter)}")
    if limits:
        yield f"Nothing was listed in the source {options.source} {' '.join(limits)}: check its spelling."


def _patterns_leave_nothing(options: Options, listed: int) -> Iterator[str]:
    """Yield which patterns leave nothing of what was listed."""
    names = [name for name in ("include", "exclude") if getattr(options, name)]
    leave = "leave" if len(names) > 1 else "leaves"
    without = f", without the prefix {_quote(options.prefix)}" if options.prefix else ""
    yield (
        f"{pluralize(listed)} of the source {options.source} {'was' if listed == 1 else 'were'} listed, and "
        f"{' and '.join(names)} {leave} none in scope: check the patterns. A pattern has to match the whole key{without}."
    )


def _destination_has_some(options: Options, compared: ComparisonTotals) -> Iterator[str]:
    """Yield how much the destination has where a limited scope leaves nothing of the source."""
    there = compared.in_scope("destination")
    is_limited = options.prefix or options.startAfter or options.include or options.exclude
    if there and is_limited:
        yield (
            f"The destination {options.destination} has {pluralize(there)} in scope, and the source {options.source} has none: "
            f"{'all of them are orphans' if there > 1 else 'it is an orphan'}."
        )


def _quote(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if len(quoted) <= MAX_QUOTED_CHARACTERS else f"{quoted[: MAX_QUOTED_CHARACTERS - 3]}..."
