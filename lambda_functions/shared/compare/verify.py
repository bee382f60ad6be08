"""Comparing both buckets once more, when everything is copied and deleted: what differs, and is not written meanwhile.

Two steps, each of which leaves a record that the next attempt finds. `verify/compared/1-0001.json`: the comparison as ever, in a
folder of its own; keys that differ go into shards of suspects, but for those whose source is newer than the run's start.
`verify/verified.json`: of the suspects the differences, judged by what the run's own files say of them (`suspects`). Where the
time does not reach the end of the buckets, what was not read is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lambda_functions.shared.compare.compare import compare
from lambda_functions.shared.compare.plan_writer import PlanWriter
from lambda_functions.shared.compare.suspects import Suspect, gather, is_difference, outcome_of
from lambda_functions.shared.compare.waves import range_record_name, read_wave
from lambda_functions.shared.equality import Decision
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import Outcome, Tally, object_count
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.listing import Entry, KeyRange
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import failure_writer, turn_summary

FOLDER, RECORD, RANGE = "verify", "verified.json", "1-0001"
# Shards of suspects whose files are looked up together: 100,000 keys, some 100 MB.
SHARDS_AT_ONCE = 50
DIFFERENCES = ("missing", "different", "extra", "failed")

State = Mapping[str, Any]


@dataclass
class SuspectWriter(PlanWriter):
    """Takes down what differs, instead of planning what is to be done about it."""

    written_meanwhile: int = 0

    def _plan_delete(self, destination: Entry) -> None:
        self._suspect(None, destination, Decision.ORPHAN)

    def _plan_copy(self, source: Entry, destination: Entry | None, decision: Decision) -> None:
        self._suspect(source, destination, decision)

    def _add_archived(self, source: Entry, destination: Entry | None, decision: Decision) -> None:
        """A suspect as well, of which nothing is asked: most are named already, and one that was current may not be any more."""
        self._suspect(source, destination, decision, is_archived=True)

    def _suspect(
        self, source: Entry | None, destination: Entry | None, decision: Decision, is_archived: bool = False
    ) -> None:
        began = self.run.start_second()
        if source and source.modified > began:
            self.written_meanwhile += 1
            return
        etags = source and source.etag, destination and destination.etag
        is_source_new = source is not None and source.modified >= began
        is_destination_new = destination is not None and destination.modified >= began
        key = (source or destination).key  # type: ignore[union-attr]
        suspect = Suspect(key, decision.value, *etags, is_source_new, is_destination_new, is_archived)
        self.copy.add(suspect.to_json())

    def close(self) -> dict[str, Any]:
        """Return the record's part besides."""
        return {**super().close(), "writtenMeanwhile": self.written_meanwhile}


def verify_once(clients: Clients, run: Run, state: State, turn: Turn, whole_turn: Turn) -> dict[str, Any]:
    """Leave the record `verify/verified.json`, unless there is one already; return what a state has room for.

    `turn` is for reading the buckets, `whole_turn` for looking up what differs. `{"objects": keys compared, "differences": 2,
    "isWhole": true, "isStopped": false, "broken": ""}`.
    """
    folder = RunFolder.of(clients.work, run).under(FOLDER)
    record = folder.read(RECORD) or folder.write_once(
        RECORD, _verify(clients, run, state, folder, turn, whole_turn)
    )
    return {name: record[name] for name in ("objects", "differences", "isWhole", "isStopped", "broken")}


def _verify(
    clients: Clients, run: Run, state: State, folder: RunFolder, turn: Turn, whole_turn: Turn
) -> dict[str, Any]:
    found = _compare_once(clients, run, folder, turn)
    began = whole_turn.elapsed_seconds()
    differences = failure_writer(folder, "verified", turn.attempt)
    tally, quiet = Tally(differences), found["writtenMeanwhile"]
    for outcome in _judge(folder, RunFolder.of(clients.work, run), found, state, whole_turn):
        if outcome:
            tally.add(outcome)
        else:
            quiet += 1
    summary = turn_summary(tally, differences, whole_turn, clients)
    is_whole = not found["handedBack"] and not found["broken"]
    return {
        "objects": sum(found["listed"].values()) - found["paired"],
        "isWhole": is_whole,
        "isStopped": turn.is_stopped() and not is_whole and not found["broken"],
        "broken": found["broken"],
        "differences": sum(object_count(summary["tally"], what) for what in DIFFERENCES),
        "writtenMeanwhile": quiet,
        "unprovable": found["unprovable"],
        **summary,
        "requests": found["requests"],
        "seconds": round(found["seconds"] + whole_turn.elapsed_seconds() - began, 3),
    }


def _compare_once(clients: Clients, run: Run, folder: RunFolder, turn: Turn) -> Mapping[str, Any]:
    """Return the record of the second comparison. What no checksum proves is no difference: a copy would not prove it either."""
    name, key_range = range_record_name(RANGE), KeyRange(run.options.startAfter, None)
    again = replace(run, options=replace(run.options, unprovable="keep", verify=False, restore=None))
    record: Mapping[str, Any] = folder.read(name) or folder.write_once(
        name, compare(clients, again, RANGE, key_range, turn, folder, SuspectWriter)
    )
    return record


def _judge(
    folder: RunFolder, of_run: RunFolder, found: Mapping[str, Any], state: State, turn: Turn
) -> Iterator[Outcome | None]:
    """Yield what is to be named of each suspect, None of one that is no difference; and of keys that could not be compared."""
    for file in found["failures"]:
        yield from (
            Outcome(line["key"], "failed", 0, line["error"])
            for line in folder.read_lines(file)
            if line["what"] == "failed"
        )
    shards = found["shards"]["copy"]
    if not shards:
        return
    records, others = _records(of_run, state), _failures_of_copies(of_run, state)
    for at in range(0, len(shards), SHARDS_AT_ONCE):
        suspects = [
            Suspect(**line) for shard in shards[at : at + SHARDS_AT_ONCE] for line in folder.read_lines(shard)
        ]
        evidence = gather(of_run, records, others, suspects, turn)
        for one in suspects:
            known = evidence.keys[one.key]
            if known.was_skipped or (one.is_archived and not evidence.is_whole):
                continue
            is_one = not evidence.is_whole or is_difference(one, known)
            yield outcome_of(one) if is_one else None


def _records(of_run: RunFolder, state: State) -> list[Any]:
    """Return the records of the first comparison."""
    return [record for wave in state["comparison"]["waves"] for record in read_wave(of_run, wave)[0]]


def _failures_of_copies(of_run: RunFolder, state: State) -> Sequence[Any]:
    """Return the files that name what the copies have skipped."""
    copies = state.get("copies")
    files: Iterable[Any] = of_run.require(copies["sums"])["failures"] if copies else ()
    return list(files)
