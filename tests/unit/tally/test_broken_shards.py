"""Shards without a record up to their end: what the cause says of them, and whether the lease of the run is given back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from samples import EXECUTION, compared_record, memory_folder, run_of, shard

from lambda_functions.shared.compare.waves import write_wave
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally.breakage import Breakage, name_of
from lambda_functions.shared.tally.ending import end_run
from lambda_functions.shared.tally.plan import total_of_records
from lambda_functions.shared.tally.sums import WorkTotals, add_up, index_items
from lambda_functions.shared.work_bucket.executions import STRAGGLERS_SECONDS, Execution, busy_until
from lambda_functions.shared.work_bucket.leases import lease_key
from lambda_functions.shared.work_bucket.run_folder import RunFolder

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TURN = Turn(0.0, 900.0, "request", lambda: 0.0)
ENDED, UNKNOWN, SILENT = "Runtime.ExitError", "Lambda.Unknown", ""


@dataclass
class Plan:
    """A run of some shards of five keys each, none of which has a record, and what the children left of their errors."""

    folder: RunFolder
    comparison: dict[str, Any]

    @classmethod
    def of(cls, *errors: str) -> Plan:
        """Return a plan with a shard for each error; a child of the error "" left no word."""
        folder = memory_folder()
        shards = [shard(f"copy/{number}.jsonl", 5, 50) for number in range(1, len(errors) + 1)]
        record = compared_record(shards={"copy": shards, "delete": [shard("delete/a.jsonl", 3, 30)]})
        folder.write("compared/1-0001.json", record)
        sums = total_of_records([record])
        items = [{"id": f"copy-{number:06d}", **one} for number, one in enumerate(shards, 1)]
        for item, error in zip(items, errors, strict=True):
            if error:
                left = Breakage(item["id"], error, f"{error}: it ended")
                folder.write(name_of(item["id"]), asdict(left))
        return cls(
            folder,
            {
                "next": "apply",
                "wave": 1,
                "waves": [write_wave(folder, 1, [{"after": None, "upTo": None}])],
                "books": sums.books(),
                "tally": sums.tally,
                "plan": sums.plan,
                "copy": folder.write_index("copy.json", items),
                "large": folder.write_index("large.json", []),
            },
        )

    def copied(self) -> WorkTotals:
        """Return what is added up of the copies."""
        items = index_items(self.folder, "copied", self.comparison)
        return add_up(self.folder, "copied", items, 0, WorkTotals(), TURN)[1]

    def end(self) -> dict[str, Any]:
        """Return the end of the run, after copies of which the Map tolerated what broke."""
        sums, key = self.copied(), lease_key(run_of())
        self.folder.write("tally/copied-1.json", sums.to_json())
        self.folder.client.files[key] = b"{}"
        copies = {"next": "report", "at": 1, "sums": "tally/copied-1.json", "tally": sums.tally}
        run = {"verdict": "valid", **run_of().to_json(), "requests": {}}
        state = {"execution": EXECUTION, "input": {}, "run": run, "comparison": self.comparison}
        clients = Clients(None, None, self.folder.client, RequestCounter())
        return end_run(clients, {**state, "copies": copies}, TURN)

    def has_lease(self) -> bool:
        """Whether the run still has its lease."""
        return lease_key(run_of()) in self.folder.client.files


def cause(failed: int, what_broke: str, when: str = "") -> str:
    """Return the cause of a run in which so many objects failed and three orphans were kept."""
    file = memory_folder().address("failures.json")
    return (
        f"{failed} objects were not synchronised ({failed} failed, 0 changed meanwhile).{what_broke} 3 orphans were kept: "
        f"nothing is deleted after a failure. The files that {file} lists name them. Start again{when}: a sync takes up "
        "where the last one stopped."
    )


def test_a_tolerated_broken_shard_whose_lambda_has_ended_gives_the_lease_back() -> None:
    plan = Plan.of(ENDED)

    result = plan.end()

    assert (result["outcome"], plan.has_lease()) == ("SyncIncomplete", False)
    assert result["cause"] == cause(5, " What broke: copy-000001: Runtime.ExitError: it ended.")


@pytest.mark.parametrize(
    ("errors", "what_broke"),
    [
        ([UNKNOWN], " What broke: copy-000001: Lambda.Unknown: it ended."),
        ([SILENT], ""),
        ([ENDED, UNKNOWN], " What broke: copy-000001: Runtime.ExitError: it ended (1 more broke)."),
        ([ENDED, SILENT], " What broke: copy-000001: Runtime.ExitError: it ended."),
    ],
)
def test_a_broken_shard_whose_lambda_is_not_known_to_have_ended_keeps_the_lease(
    errors: list[str], what_broke: str
) -> None:
    plan = Plan.of(*errors)

    result = plan.end()

    assert (result["outcome"], plan.has_lease()) == ("SyncIncomplete", True)
    when = " in 16 minutes, when its last Lambda must be over"
    assert result["cause"] == cause(5 * len(errors), what_broke, when)


def test_a_lease_that_is_kept_counts_for_930_seconds_after_the_end_of_its_execution() -> None:
    ended, last = Execution("FAILED", NOON), NOON + timedelta(seconds=930)

    assert STRAGGLERS_SECONDS == 930
    assert busy_until(ended, NOON, last - timedelta(seconds=1)) == (
        "12:15:30 UTC, when its last Lambda must be over"
    )
    assert busy_until(ended, NOON, last) == ""


@pytest.mark.parametrize(
    ("errors", "broken", "unclear"),
    [
        ([ENDED], 1, 0),
        ([UNKNOWN], 1, 1),
        ([SILENT], 0, 1),
        ([ENDED, UNKNOWN, SILENT], 2, 2),
        ([ENDED, ENDED, ENDED], 3, 0),
    ],
)
def test_every_broken_shard_is_unfinished_and_its_lambda_has_ended_or_is_counted_as_unclear(
    errors: list[str], broken: int, unclear: int
) -> None:
    copied = Plan.of(*errors).copied()

    assert (copied.broken, copied.unclear) == (broken, unclear)
    assert copied.unfinished == [f"copy/{number}.jsonl" for number in range(1, len(errors) + 1)]
    assert copied.unfinished_objects == copied.not_done() == 5 * len(errors)


def test_the_cause_names_what_broke_first_and_how_many_more() -> None:
    plan = Plan.of(*[ENDED] * 1202)

    result = plan.end()

    assert " What broke: copy-000001: Runtime.ExitError: it ended (1,201 more broke). " in result["cause"]
    assert len(plan.copied().breakages) == 20
    assert len(plan.folder.read("failures.json")["unfinishedShards"]) == 1202
