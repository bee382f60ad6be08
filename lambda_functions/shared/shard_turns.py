"""Working through one shard, turn by turn: what `copy_keys` and `delete_orphaned_keys` have in common.

A turn does the lines from `start` on that its time holds, and leaves a record `<kind>/<shard id>-<start>.json` that says what
became of them and where to go on. The records of a shard form a chain from 0 to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lambda_functions.shared.clients import Clients
from lambda_functions.shared.errors import NoProgress
from lambda_functions.shared.outcomes import Outcome, Tally
from lambda_functions.shared.run_folder import RunFolder
from lambda_functions.shared.turn import Turn

Line = Mapping[str, Any]
Work = Callable[[Sequence[Line]], Iterable[Outcome]]


def record_name(kind: str, shard_id: str, start: int) -> str:
    """Return the name of a turn's record: `copied/copy-000001-0.json`."""
    return f"{kind}/{shard_id}-{start}.json"


def take_turn(
    folder: RunFolder,
    kind: str,
    shard: Mapping[str, Any],
    start: int,
    turn: Turn,
    clients: Clients,
    work: Work,
) -> dict[str, Any]:
    """Do what this turn can of a shard; return `{"done", "next"}`. A turn that has a record already is not done again.

    `work` returns one outcome for each line that it began, beginning with the first.
    """
    name = record_name(kind, shard["id"], start)
    record = folder.read(name) or folder.record(name, _record(folder, shard, start, turn, clients, work))
    if record["next"] <= start:
        raise NoProgress(f"the turn of {shard['file']} from line {start} ended at line {record['next']}")
    return {"done": record["next"] >= shard["objects"], "next": record["next"]}


def _record(
    folder: RunFolder, shard: Mapping[str, Any], start: int, turn: Turn, clients: Clients, work: Work
) -> dict[str, Any]:
    tally, begun = Tally(), 0
    for outcome in work(folder.read_lines(shard["file"])[start:]):
        tally.add(outcome)
        begun += 1
    return {
        "shard": shard["id"],
        "start": start,
        "next": start + begun,
        "tally": tally.to_json(),
        "failures": write_failures(folder, f"{shard['id']}-{start}", turn, tally),
        "requests": clients.requests.counts(),
        "seconds": round(turn.elapsed_seconds(), 3),
    }


def write_failures(folder: RunFolder, what: str, turn: Turn, tally: Tally) -> str | None:
    """Write the keys that a report must name; return the file, None if there are none."""
    if not tally.named:
        return None
    name = f"failures/{what}-{turn.attempt}.jsonl"
    folder.write_lines(name, (outcome.line() for outcome in tally.named))
    return name
