"""What a plan says of the schedules: a line for all that have the same coming, and their JSON. Text only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployment.schedules.reconcile import ScheduleChange
from deployment.schedules.schedule import Schedule
from deployment.text import quantity

_WORDS: Mapping[str, str] = {"create": "created", "delete": "removed", "update": "changed"}


def lines(changes: Sequence[ScheduleChange]) -> list[str]:
    """Return what becomes of the schedules, a line each kind; of those that stay only that they are paused."""
    kinds: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for change in changes:
        if change.action != "none":
            kinds.setdefault((change.action, change.differs), []).append(_title(change))
    paused = [change.name for change in changes if change.is_paused and change.wanted]
    created = [change.name for change in changes if change.action == "create"]
    is_lost = any(change.is_paused and change.action == "delete" for change in changes)
    return [
        *(_line(action, differs, names) for (action, differs), names in kinds.items()),
        *(
            [f"Paused, and paused afterwards: {', '.join(paused)}. `fab resume NAME` ends that."]
            if paused
            else []
        ),
        *([_not_paused(created)] if created and is_lost else []),
    ]


def documents(changes: Iterable[ScheduleChange]) -> list[dict[str, Any]]:
    """Return the schedules of a plan as JSON values."""
    return [
        {
            "name": change.name,
            "action": change.action,
            "changes": list(change.differs),
            "paused": change.is_paused,
        }
        for change in changes
    ]


def _line(action: str, differs: Iterable[str], names: Sequence[str]) -> str:
    what = f" ({', '.join(differs)})" if differs else ""
    return (
        f"Schedules: {quantity(len(names), 'schedule')} would be {_WORDS[action]}{what}: {', '.join(names)}"
    )


def _not_paused(created: Sequence[str]) -> str:
    """A sync that is renamed is removed and created: its pause does not go along."""
    which = created[0] if len(created) == 1 else "NAME"
    return f"Not paused, under another name either: {', '.join(created)}. `fab pause {which}` after this pauses it."


def _title(change: ScheduleChange) -> str:
    """Return the name, with when it starts where that is new, and when it has started where that is another time."""
    if change.action == "delete" and change.is_paused:
        return f"{change.name} and its pause with it"
    if change.action == "create" and change.wanted:
        return f"{change.name} {_when(change.wanted)}"
    if change.before and change.wanted and _when(change.before) != _when(change.wanted):
        return f"{change.name} {_when(change.before)} -> {_when(change.wanted)}"
    return change.name


def _when(schedule: Schedule) -> str:
    return f"{schedule.expression} {schedule.timezone}"
