"""What carrying out a plan must do, from what was there when it was made and what is there now.

Written from the prose of `docs/input.md` alone, as the oracle of a sync is; pure functions over plain data.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from oracle import Bucket, Object, Options, Prediction


@dataclass(frozen=True)
class Moment:
    """Both buckets at one moment."""

    source: Bucket
    destination: Bucket


@dataclass
class Applied:
    """What a run must do that carries a plan out, by destination keys; `error` None is success."""

    copies: dict[str, Object] = field(default_factory=dict)
    deletes: dict[str, Object] = field(default_factory=dict)
    deleted: int = 0
    changed: set[str] = field(default_factory=set)
    vanished: set[str] = field(default_factory=set)

    @property
    def error(self) -> str | None:
        """Return with what the execution fails."""
        return "SyncIncomplete" if self.changed else None


def predict_applied(planned: Prediction, then: Moment, now: Moment, options: Options) -> Applied:
    """Return what becomes of a plan; what it does not name is not touched, and what it names only if it is as it was."""
    prefix = options.get("prefix", "")
    into = options.get("destinationPrefix", prefix)
    found = Applied()
    for key in planned.copies:
        here = prefix + key[len(into) :]
        if here not in now.source:
            found.vanished.add(key)
        elif is_other(now.source[here], then.source[here]) or is_other(
            now.destination.get(key), then.destination.get(key)
        ):
            found.changed.add(key)
        else:
            found.copies[key] = now.source[here]
    if not found.changed:
        _delete(found, planned, then, now, (prefix, into))
    return found


def _delete(found: Applied, planned: Prediction, then: Moment, now: Moment, places: tuple[str, str]) -> None:
    prefix, into = places
    for key in planned.deletes:
        there = now.destination.get(key)
        if prefix + key[len(into) :] in now.source or (there and is_other(there, then.destination[key])):
            found.changed.add(key)
            continue
        found.deleted += 1
        if there:
            found.deletes[key] = there


def is_other(now: Object | None, then: Object | None) -> bool:
    """Tell whether an object is not the one that it was: S3 tells that by the ETag."""
    return (now.etag if now else None) != (then.etag if then else None)
