"""Plans of dry runs: how old they may be, which files are compared while there is time, and why one cannot be carried out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from samples import EXECUTION, MemoryS3, run_of

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.options import Options
from lambda_functions.shared.run import AppliedPlan
from lambda_functions.shared.work_bucket.approved_plans import (
    ApprovedPlan,
    approve,
    find_folder,
    max_age_days,
    options_of,
    plan_digest,
    retention_warnings,
    take,
    write_plan,
)
from lambda_functions.shared.work_bucket.run_folder import RunFolder

PLAN, GIVEN = "runs/sync/monday", {"plan": "sync/monday"}
OPTIONS = Options("from", "into", prefix="p/", dryRun=True, maxConcurrency=7)
WAVES = [{"index": "ranges/1.json", "items": 1, "sha256": "1" * 64}]
MADE_AT = "2026-11-22T10:11:12.345Z"
NO_LIMIT = 30


class PlansS3(MemoryS3):
    """A work bucket in which the first file of a folder is looked for."""

    def list_objects_v2(
        self, *, Bucket: str, Prefix: str, MaxKeys: int, StartAfter: str = ""
    ) -> dict[str, Any]:
        keys = [key for key in sorted(self.files) if key.startswith(Prefix) and key > StartAfter][:MaxKeys]
        return {"Contents": [{"Key": key} for key in keys]} if keys else {}


def planned(client: PlansS3, shards: Sequence[Mapping[str, Any]] = (), **differing: Any) -> str:
    """Leave what a dry run leaves that has succeeded; return the digest of its plan."""
    folder = RunFolder(client, PLAN)
    client.files[folder.key("ranges/1.json")] = b"[]"
    waves = [{**WAVES[0], "sha256": hashlib.sha256(b"[]").hexdigest()}]
    digest = write_plan(folder, OPTIONS, waves, [], shards)
    report = {
        "dryRun": True, "outcome": "Succeeded", "failed": {"objects": 0}, "format": 1, "startedAt": MADE_AT,
        "options": OPTIONS.to_json(), "planDigest": digest,
    }  # fmt: skip
    folder.write("report.json", {**report, **differing})
    return digest


def turn_of(seconds: float) -> Turn:
    return Turn(0.0, seconds, "attempt", lambda: 0.0)


def approved(
    client: PlansS3, now: str = MADE_AT, retention_days: int = NO_LIMIT, seconds: float = 10.0, **given: Any
) -> ApprovedPlan:
    execution = {**EXECUTION, "startTime": now}
    return approve(client, {**GIVEN, **given}, execution, retention_days, turn_of(seconds))


def why_not(client: PlansS3, **more: Any) -> str:
    """Return why a plan is refused, without what every such refusal says."""
    with pytest.raises(Refused) as caught:
        approved(client, **more)
    begin = 'the plan "sync/monday" cannot be carried out: '
    end = ". Nothing was changed. Make a new dry run, and carry out its plan."
    assert caught.value.error == "InvalidInput"
    assert caught.value.cause.startswith(begin) and caught.value.cause.endswith(end)
    return caught.value.cause[len(begin) : -len(end)]


@pytest.fixture
def client() -> PlansS3:
    return PlansS3()


def test_the_options_are_those_of_the_dry_run_and_the_files_are_in_its_folder(client: PlansS3) -> None:
    digest = planned(client)
    document = json.loads(client.files[f"{PLAN}/plan.json"])

    plan = approved(client)

    assert plan.options == Options("from", "into", prefix="p/", dryRun=False, maxConcurrency=7)
    assert plan.applied == AppliedPlan(PLAN, digest, document["waves"])
    assert approved(client, planDigest=digest, maxConcurrency=3).options.maxConcurrency == 3


def test_a_plan_names_its_waves_records_and_shards_with_their_checksums_and_its_digest_is_over_all_of_it(
    client: PlansS3,
) -> None:
    folder = RunFolder(client, PLAN)
    for name in ("compared/1-0001.json", "compared/1-0002.json"):
        client.files[folder.key(name)] = name.encode()
    shard = {"file": "copy/a.jsonl", "objects": 3, "sha256": "3" * 64, "bytes": 5}

    digest = write_plan(folder, OPTIONS, WAVES, ["compared/1-0002.json", "compared/1-0001.json"], [shard])

    files = [
        {"file": "ranges/1.json", "sha256": "1" * 64},
        *(
            {"file": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}
            for name in ("compared/1-0002.json", "compared/1-0001.json")
        ),
        {"file": "copy/a.jsonl", "sha256": "3" * 64},
    ]
    assert folder.read("plan.json") == {"file": f"{PLAN}/plan.json", "waves": WAVES, "files": files}
    whole = {"files": files, "format": 1, "options": OPTIONS.to_json(), "waves": WAVES}
    assert digest == hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


# --- How old a plan may be


@pytest.mark.parametrize(
    ("retention_days", "days"), [(15, -1), (16, 0), (17, 1), (22, 6), (23, 7), (24, 7), (3650, 7)]
)
def test_a_plan_can_be_carried_out_for_seven_days_or_until_sixteen_before_its_files_expire(
    retention_days: int, days: int
) -> None:
    """A redriven run may need them for fourteen days more, and S3 counts whole days."""
    assert max_age_days(retention_days) == days


def test_a_dry_run_warns_only_where_its_plan_can_be_carried_out_on_no_day() -> None:
    assert retention_warnings(17) == []
    assert retention_warnings(16) == [
        "This plan can be read, but not be carried out: the files of runs are kept for 16 days (RUN_RETENTION_DAYS), and "
        "carrying out a plan needs 17 at least."
    ]


@pytest.mark.parametrize(
    ("retention_days", "last", "too_late", "most"),
    [
        (30, "2026-11-29T10:11:12.345Z", "2026-11-29T10:11:12.346Z", "7 days"),
        (18, "2026-11-24T10:11:12.345Z", "2026-11-24T10:11:12.346Z", "2 days"),
        (17, "2026-11-23T10:11:12.345Z", "2026-11-23T10:11:12.346Z", "1 day"),
    ],
)
def test_a_plan_is_too_old_a_millisecond_after_its_last_day(
    client: PlansS3, retention_days: int, last: str, too_late: str, most: str
) -> None:
    planned(client)

    assert approved(client, last, retention_days).applied.folder == PLAN
    assert why_not(client, now=too_late, retention_days=retention_days) == (
        f"it was made at {MADE_AT}, and a plan can be carried out for {most}"
    )


def test_where_files_expire_too_early_no_plan_is_carried_out_however_young(client: PlansS3) -> None:
    planned(client)

    assert why_not(client, retention_days=16) == (
        "RUN_RETENTION_DAYS is 16, and carrying out a plan needs 17 at least"
    )


# --- What a dry run has left


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"dryRun": False}, "that run was no dry run"),
        ({"outcome": "DeletionRefused"}, "the dry run did not succeed, it ended with DeletionRefused"),
        # A key that could not be decided is in no shard: what the plan would leave out, nobody has seen.
        ({"failed": {"objects": 1}}, "the dry run did not succeed, it ended with Succeeded"),
        (
            {"format": 2},
            "the dry run was made by a state machine of format 2, and this one reads format 1",
        ),
        (
            {"planDigest": "5" * 64},
            f"its options or files were changed after the dry run: their digest is DIGEST, and was {'5' * 64}",
        ),
        (
            {"planDigest": None},
            "its options or files were changed after the dry run: their digest is DIGEST, and was None",
        ),
        *(
            (wrong, "it is not what the dry run has left: its report is not what a run writes")
            for wrong in (
                {"startedAt": "soon"},
                {"startedAt": 5},
                {"startedAt": "2026-11-22T10:11:12"},
                {"failed": {}},
                {"failed": None},
            )
        ),
    ],
)
def test_what_is_no_plan_that_has_succeeded_is_refused_in_a_sentence(
    client: PlansS3, differing: dict[str, Any], why: str
) -> None:
    digest = planned(client, **differing)

    assert why_not(client) == why.replace("DIGEST", digest)


@pytest.mark.parametrize(
    "options",
    [
        [],
        None,
        5,
        {"source": 5},
        {"no such option": 1},
        {"source": "from"},
        {**OPTIONS.to_json(), "unprovable": 7},
    ],
    ids=repr,
)
def test_options_that_no_input_could_have_are_refused_though_their_digest_is_right(
    client: PlansS3, options: Any
) -> None:
    planned(client)
    digest = plan_digest(options, json.loads(client.files[f"{PLAN}/plan.json"]))
    planned(client, options=options, planDigest=digest)

    assert why_not(client) == "it is not what the dry run has left: its report is not what a run writes"


def test_a_dry_run_that_has_left_no_report_is_no_plan(client: PlansS3) -> None:
    assert why_not(client) == (
        "it has left no report: it has not ended, was stopped, or its files have expired"
    )


@pytest.mark.parametrize("name", ["report.json", "plan.json", "applied-by.json"])
def test_a_file_that_was_cut_is_named(client: PlansS3, name: str) -> None:
    planned(client)
    client.files[f"{PLAN}/{name}"] = b'{"file":'

    assert why_not(client).startswith(
        f"it is not what the dry run has left: s3://work-bucket/{PLAN}/{name} was cut or overwritten: it is not JSON"
    )


def test_a_digest_that_was_not_approved_is_refused(client: PlansS3) -> None:
    digest = planned(client)

    assert why_not(client, planDigest="5" * 64) == (
        f"it is not the plan that was approved: its planDigest is {digest}, and {'5' * 64} was given"
    )


# --- Which files are compared


def shards(client: PlansS3, damaged: int) -> list[dict[str, str]]:
    """Return what names 511 shards, of which that with this number was changed; with the wave's index they are 512 files."""
    good, bad = b'{"key": "a"}\n', b'{"key": "b"}\n'
    client.files.update({f"{PLAN}/copy/good.jsonl": good, f"{PLAN}/copy/bad.jsonl": bad})
    digest = hashlib.sha256(good).hexdigest()
    names = ["copy/bad.jsonl" if number == damaged else "copy/good.jsonl" for number in range(511)]
    return [{"file": name, "sha256": digest} for name in names]


CHANGED = f"s3://work-bucket/{PLAN}/copy/bad.jsonl was changed after the dry run"


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 10.0])
@pytest.mark.parametrize("damaged", [0, 254])
def test_the_first_256_files_are_compared_however_little_time_there_is(
    client: PlansS3, damaged: int, seconds: float
) -> None:
    planned(client, shards(client, damaged))

    assert why_not(client, seconds=seconds) == CHANGED


@pytest.mark.parametrize("damaged", [255, 510])
def test_those_behind_them_are_compared_while_there_is_time(client: PlansS3, damaged: int) -> None:
    planned(client, shards(client, damaged))

    assert why_not(client) == CHANGED


def test_without_time_the_rest_is_left_to_the_workers_that_read_it(client: PlansS3) -> None:
    """They compare each shard before they begin it, so a large plan cannot keep ValidateInput from ending."""
    planned(client, shards(client, 255))
    client.read.clear()

    assert approved(client, seconds=0.0).applied.folder == PLAN
    documents = [f"{PLAN}/{name}.json" for name in ("report", "applied-by", "plan")]
    assert client.read[:3] == documents
    assert len(client.read) == 3 + 256


# --- Only once


def test_a_plan_is_taken_by_one_execution_and_by_that_again(client: PlansS3) -> None:
    planned(client)
    plan = approved(client).applied
    first = run_of()
    other = run_of({**EXECUTION, "id": f"{EXECUTION['id']}-other"})

    take(client, first, plan)
    take(client, first, plan)

    assert json.loads(client.files[f"{PLAN}/applied-by.json"]) == {
        "file": f"{PLAN}/applied-by.json",
        "execution": EXECUTION["id"],
        "startedAt": "2026-11-22T10:11:12.345Z",
    }
    assert approved(client).applied == plan
    why = f"{EXECUTION['id']} has carried it out, or tried to; a new dry run shows what is left"
    with pytest.raises(Refused) as caught:
        take(client, other, plan)
    assert caught.value.cause == (
        f'the plan "sync/monday" cannot be carried out: {why}. Nothing was changed. Make a new dry run, and carry out its plan.'
    )
    with pytest.raises(Refused) as caught:
        approve(client, GIVEN, {**EXECUTION, "id": other.execution}, NO_LIMIT, turn_of(10))
    assert why in caught.value.cause


# --- Which run is meant


def with_runs(client: PlansS3, *names: str) -> PlansS3:
    for name in names:
        client.files[f"runs/{name}/report.json"] = client.files[f"runs/{name}/ranges/1.json"] = b"{}"
    return client


# "-" and "." come before "/" in the order of keys, "0" comes after it.
MACHINES = ("sync-2", "sync.2", "sync", "sync0", "sync00", "t")


@pytest.mark.parametrize("machine", MACHINES)
def test_a_run_is_found_by_its_name_under_whichever_state_machine(client: PlansS3, machine: str) -> None:
    others = [f"{one}/{name}" for one in MACHINES for name in ("mon", "monday-2", "a")]
    with_runs(client, *others, f"{machine}/monday")

    assert find_folder(client, "monday") == f"runs/{machine}/monday"


def test_a_name_with_its_machine_is_taken_as_it_is(client: PlansS3) -> None:
    assert find_folder(client, "older/monday") == "runs/older/monday"


def test_a_name_that_no_run_has_is_refused(client: PlansS3) -> None:
    with_runs(client, "sync/monday-2")

    with pytest.raises(Refused) as caught:
        find_folder(client, "monday")
    assert (caught.value.error, caught.value.cause) == (
        "InvalidInput",
        'the plan "monday" cannot be carried out: no run of that name has left any files, or they have expired. Nothing was '
        "changed. Make a new dry run, and carry out its plan.",
    )


def test_a_name_that_several_runs_have_is_refused_with_all_of_them(client: PlansS3) -> None:
    with_runs(client, *(f"{machine}/monday" for machine in ("sync-2", "sync", "sync0")))

    with pytest.raises(Refused) as caught:
        find_folder(client, "monday")
    assert (caught.value.error, caught.value.cause) == (
        "InvalidInput",
        "3 runs have that name: sync-2/monday, sync/monday, sync0/monday. Nothing was changed. Name one of these.",
    )


# --- Of runs that have not begun


def test_a_run_that_has_not_begun_tells_the_options_of_its_plan(client: PlansS3) -> None:
    planned(client)

    assert options_of(client, GIVEN) == options_of(client, {"plan": "monday"}) == OPTIONS.to_json()


@pytest.mark.parametrize(
    "given", [{}, {"plan": None}, {"plan": 5}, {"plan": "tuesday"}, {"plan": "sync/tuesday"}]
)
def test_a_plan_that_cannot_be_found_has_no_options(client: PlansS3, given: dict[str, Any]) -> None:
    planned(client)

    assert options_of(client, given) == {}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"file": "another"}', b"null"])
def test_a_report_that_cannot_be_read_has_no_options(client: PlansS3, body: bytes) -> None:
    planned(client)
    client.files[f"{PLAN}/report.json"] = body

    assert options_of(client, GIVEN) == {}


@pytest.mark.parametrize("options", [None, [], "source", 5])
def test_options_that_are_no_object_are_none(client: PlansS3, options: Any) -> None:
    planned(client, options=options)

    assert options_of(client, GIVEN) == {}


def test_a_report_without_options_has_none(client: PlansS3) -> None:
    RunFolder(client, PLAN).write("report.json", {})

    assert options_of(client, GIVEN) == {}
