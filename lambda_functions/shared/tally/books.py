"""The books of a run: what was listed, planned and done must add up, or something was lost on the way.

    source        listed = out of scope + current + kept by option + to copy + skipped + undecided
    destination   listed = out of scope + paired + orphans
    orphans       orphans = to delete + kept by option
    copies        to copy = copied + changed + failed + given up by a stop + skipped + not begun
    deletes       to delete = deleted + changed + failed + given up by a stop + not begun
    names         named in files = skipped + undecided, or of work skipped + changed + failed + given up by a stop
    ranges        a range = what was decided of it and what it handed back, end to end

Kept by option is also what filters leave alone on either side, and what is not overwritten.

Every term is counted where it happens and none is computed from the others, so a record that is gone, or a list that was cut,
leaves a gap. Pure; asked by every tally and by the report. A gap is an error of ours or damage to the run's files; either way
nothing may be concluded from the sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lambda_functions.shared.outcomes import SKIPPED, object_count
from lambda_functions.shared.s3.listing import KeyRange

Books = Mapping[str, int]
Tally = Mapping[str, Mapping[str, int]]

_SIDES = {
    "the source": (
        "sourceListed",
        {
            "sourceOutOfScope": "out of scope",
            "current": "current",
            "sourceKept": "kept by an option",
            "copies": "to copy",
            "skipped": "skipped",
            "undecided": "undecided",
        },
    ),
    "the destination": (
        "destinationListed",
        {"destinationOutOfScope": "out of scope", "paired": "paired", "orphans": "orphans"},
    ),
    "the orphans": ("orphans", {"deletes": "to delete", "destinationKept": "kept by an option"}),
    "the names": ("named", {"skipped": "skipped", "undecided": "undecided"}),
}


def comparison_gaps(books: Books) -> list[str]:
    """Return a sentence for each account of a comparison that does not balance; `books` as `ComparisonTotals.books` has them."""
    gaps = (
        _gap(name, books[total], {words: books[term] for term, words in terms.items()})
        for name, (total, terms) in _SIDES.items()
    )
    return [gap for gap in gaps if gap]


def work_gaps(name: str, planned: int, tally: Tally, not_begun: int, named: int) -> list[str]:
    """Return the same of "copies" or "deletes": `planned` objects, what became of them, how many were not begun, and named."""
    done = "copied" if name == "copies" else "deleted"
    words = {what: object_count(tally, what) for what in ("changed", "failed")}
    if object_count(tally, "stopped"):
        words["given up by a stop"] = object_count(tally, "stopped")
    if name == "copies":
        words["skipped"] = sum(object_count(tally, what) for what in SKIPPED)
    terms = {done: object_count(tally, done), **words, "not begun": not_begun}
    gaps = _gap(f"the {name}", planned, terms), _gap(f"the names of {name}", named, words)
    return [gap for gap in gaps if gap]


def range_gaps(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each range of which what was decided and what was handed back is not, end to end, the whole."""
    for record in records:
        given = map(KeyRange.from_json, [*record["decided"], *record["handedBack"]])
        parts = sorted(given, key=KeyRange.place)
        begins, ends = [part.after for part in parts], [part.up_to for part in parts]
        if [*begins, *ends[-1:]] != [record["range"]["after"], *ends[:-1], record["range"]["upTo"]]:
            yield f"what the range {record['range']['id']} decided and handed back is not the whole of it"


def carried_gaps(before: Books, now: Books) -> Iterator[str]:
    """Yield what was counted otherwise when it was added up before: records have changed since."""
    for name in sorted({*before, *now}):
        if before.get(name, 0) != now.get(name, 0):
            yield f"{name}: {before.get(name, 0):,} were counted before, and {now.get(name, 0):,} are now"


def describe_gaps(gaps: Iterable[str]) -> str:
    """Return one sentence, without its full stop, for the gaps of a run; "" where there are none."""
    text = "; ".join(gaps)
    return text and f"the books do not balance: {text}"


def _gap(name: str, total: int, terms: Mapping[str, int]) -> str:
    accounted = sum(terms.values())
    if accounted == total:
        return ""
    listed = ", ".join(f"{number:,} {words}" for words, number in terms.items())
    return f"of {total:,} objects in the account of {name}, {accounted:,} are accounted for ({listed})"
