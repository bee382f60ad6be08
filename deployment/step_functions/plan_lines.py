"""Reads the plan that a run has written before it changed anything: every line, in the order of keys, with its reason.

What belongs to it is found through records only, wave by wave: the index of a wave names its records, a record names its shards
with their SHA-256, and that it hands back ranges is why there is a next wave. A worker decides keys here and there in its range,
so the shards of a record overlap, and those of the next wave lie between them: the lines are sorted, if they are many in files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.errors import ExecutionFailed
from deployment.key_order import Line, in_key_order
from deployment.step_functions.run_report import RunFolder

ORPHAN = "orphan"
RESTORE = "restore"
KINDS: Mapping[str, tuple[str, ...]] = {
    "+": ("new",),
    "*": ("size", "content", "checksum", "unprovable", ""),
    "~": ("metadata", "tags"),
    "-": (ORPHAN,),
    "^": (RESTORE,),
}
"""The signs of a list, and the reasons that each stands for; "" is what a run of an older deployment did not say."""

SIGNS = {reason: sign for sign, reasons in KINDS.items() for reason in reasons}


@dataclass(frozen=True)
class Plan:
    """The shards of a plan, those of records with smaller keys first; `reasons` says how many lines have each."""

    shards: Sequence[Mapping[str, Any]]
    reasons: Mapping[str, int]

    def objects(self) -> int:
        """Return how many lines there are."""
        return sum(shard["objects"] for shard in self.shards)

    def count(self, sign: str) -> int:
        """Return how many lines have a sign."""
        return sum(number for reason, number in self.reasons.items() if SIGNS[reason] == sign)


def read_plan(folder: RunFolder, report: Mapping[str, Any]) -> Plan:
    """Return the plan of a run that has left this report; raise ExecutionFailed where there is none that is whole."""
    try:
        plan = _plan_of(_records(folder))
    except (KeyError, TypeError, AttributeError) as error:
        raise folder.unreadable("compared/", "is not what a run writes") from error
    planned = report["plan"]["copy"]["objects"] + report["plan"]["delete"]["objects"]
    planned += report["plan"].get(RESTORE, {"objects": 0})["objects"]
    if plan.objects() != planned:
        raise folder.unreadable(
            "compared/",
            f"has {plan.objects():,} planned lines, and the report says that there are {planned:,}",
        )
    return plan


def _plan_of(records: list[Any]) -> Plan:
    records.sort(key=lambda record: _first_key(record.get("decided") or [record["range"]]))
    shards = [
        {**shard, "kind": kind}
        for record in records
        for kind, shards in record["shards"].items()
        for shard in shards
    ]
    return Plan(shards, _add_reasons(records))


def lines_in_order(folder: RunFolder, plan: Plan) -> Iterator[Line]:
    """Yield `[key, reason, size]` of every planned line in the order of keys, in memory that does not grow with them."""
    return in_key_order(lines_as_they_come(folder, plan.shards))


def lines_as_they_come(folder: RunFolder, shards: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield the same, shard by shard; raise ExecutionFailed for one that is not what its record says."""
    for lines in folder.read_ahead(lambda shard: _shard_lines(folder, shard), shards):
        yield from lines


def _shard_lines(folder: RunFolder, shard: Mapping[str, Any]) -> list[Line]:
    try:
        lines = [[line["key"], _reason(shard["kind"], line), line["size"]] for line in folder.lines(shard)]
    except (KeyError, TypeError) as error:
        raise folder.unreadable(shard["file"], "is not what a run writes") from error
    if len(lines) != shard["objects"]:
        raise folder.unreadable(
            shard["file"], f"has {len(lines):,} lines, and {shard['objects']:,} were written"
        )
    return lines


def _reason(kind: str, line: Mapping[str, Any]) -> str:
    if kind == "delete":
        return ORPHAN
    if kind == RESTORE:
        return RESTORE
    reason = line.get("reason") or ("" if line.get("was") else "new")
    return reason if reason in SIGNS else ""


def _records(folder: RunFolder) -> list[Any]:
    """Return all records of a run, wave by wave."""
    records: list[Any] = []
    wave, of_wave = 0, [{"handedBack": True}]
    while any(record["handedBack"] for record in of_wave):
        wave += 1
        names = [f"compared/{item['id']}.json" for item in folder.document(f"ranges/{wave}.json")]
        of_wave = list(folder.read_ahead(folder.document, names))
        records += of_wave
    broken = next((record["broken"] for record in records if record["broken"]), "")
    if broken:
        raise ExecutionFailed(f"There is no whole plan of this run: {broken}.")
    return records


def _first_key(ranges: Sequence[Mapping[str, Any]]) -> tuple[bool, str]:
    return min((part["after"] is not None, part["after"] or "") for part in ranges)


def _add_reasons(records: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    """Return how many lines have each reason; of records that do not say it, by what kind of shard they are in."""
    reasons: Counter[str] = Counter()
    for record in records:
        counted = record.get("reasons")
        if counted is None:
            counted = {
                ORPHAN if kind == "delete" else "": sum(shard["objects"] for shard in shards)
                for kind, shards in record["shards"].items()
            }
        reasons.update({reason if reason in SIGNS else "": number for reason, number in counted.items()})
    return reasons
