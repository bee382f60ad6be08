"""A plan that was approved is carried out: what it says and what is still so, once, and nothing that was tampered with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_s3 import HOUR, MB, Answer
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import pages_a_turn, short_pages
from workers import Killed

from lambda_functions import validate_input
from lambda_functions.shared.work_bucket.approved_plans import plan_digest

PLANNED = "runs/sync/planned"
DAY = 24 * HOUR
ARN = "arn:aws:states:eu-west-1:111122223333:execution:sync"
NEVER_LISTED = {"LIST"}
FORBIDDEN = Answer(403, "AccessDenied", "Access Denied")


@pytest.fixture
def world() -> Iterator[World]:
    """Yield a world with something of every kind to be done."""
    with world_on_fake_s3() as made:
        for number in range(6):
            made.source.put(f"new-{number}", f"{number}".encode())
            made.destination.put(f"orphan-{number}", b"old")
        made.source.put("replaced", b"now")
        made.destination.put("replaced", b"then", age_seconds=2 * HOUR)
        for bucket in (made.source, made.destination):
            bucket.put("current", b"same")
        made.source.put("cold", b"cold", storage_class="GLACIER")
        yield made


def dry_run(world: World, **options: Any) -> dict[str, Any]:
    world.name = "planned"
    report = world.run(dryRun=True, **options)
    world.name = "applied"
    return report


def document(world: World, name: str) -> Any:
    return json.loads(world.work.objects[f"{PLANNED}/{name}"].content.body())


def changed(world: World, name: str, **values: Any) -> None:
    world.work.put(f"{PLANNED}/{name}", json.dumps({**document(world, name), **values}).encode())


def refused(world: World, **given: Any) -> str:
    """Try to carry the plan out; return why that is refused, after nothing has changed."""
    before = dict(world.destination.objects)
    report = world.run(**({"plan": "sync/planned"} | given))
    assert (report["outcome"], world.destination.objects) == ("InvalidInput", before)
    assert not [key for key in world.work.objects if key.startswith("leases/")]
    assert "Nothing was changed." in report["cause"]
    return str(report["cause"])


def test_a_plan_is_carried_out_and_nothing_is_listed_again(world: World) -> None:
    planned = dry_run(world)
    world.s3.sent.clear()

    report = world.run(plan="sync/planned", planDigest=planned["planDigest"])

    assert report["outcome"] == "Succeeded"
    assert world.destination.keys() == ["current", *(f"new-{number}" for number in range(6)), "replaced"]
    assert report["plan"] == planned["plan"]
    assert (report["copied"]["objects"], report["deleted"]["objects"]) == (7, 6)
    assert (report["appliedPlan"], report["planDigest"]) == ("sync/planned", planned["planDigest"])
    assert report["options"] == {**planned["options"], "dryRun": False}
    assert not NEVER_LISTED & set(world.sent()) and not NEVER_LISTED & set(report["requests"])
    assert report["requests"] == world.sent()
    assert document(world, "applied-by.json")["execution"] == f"{ARN}:applied"
    assert report["notSynchronised"] == planned["notSynchronised"] != []
    world.name = "next"
    assert world.run()["plan"]["copy"]["objects"] == 0


def test_what_is_planned_and_unchanged_is_done_and_nothing_else_whatever_happened_meanwhile(
    world: World,
) -> None:
    planned = dry_run(world)
    world.source.put("new-0", b"another")  # changed
    world.source.delete("new-1")
    world.source.put("later", b"not planned")
    world.destination.put("later-orphan", b"not planned")
    world.source.put("orphan-0", b"has come")
    world.destination.put("new-2", b"by somebody")
    world.destination.put("replaced", b"by somebody")
    there = world.destination.contents()

    report = world.run(plan="planned")

    expected = {
        **there,
        **{f"new-{number}": world.source.contents()[f"new-{number}"] for number in (3, 4, 5)},
    }
    assert world.destination.contents() == expected
    assert report["outcome"] == "SyncIncomplete"
    assert (report["copied"]["objects"], report["changed"]["objects"]) == (3, 3)
    assert report["plan"] == planned["plan"]
    assert report["cause"].endswith("Make a new dry run, it shows what is left: a plan is carried out once.")
    why = {one["key"]: (one["what"], one["error"]) for one in report["notSynchronised"]}
    assert why["new-0"] == ("changed", "the source changed after it was planned")
    assert why["new-1"][0] == "vanished"
    assert why["new-2"][0] == why["replaced"][0] == "changed"
    assert report["deleted"]["objects"] == 0


@pytest.mark.parametrize("change", ["rewritten", "longer", "unprovable"])
@pytest.mark.parametrize("kind", ["plain", "in parts", "very large"])
def test_a_source_that_changed_is_never_read_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str, change: str
) -> None:
    if kind == "very large":
        monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 2)

    def put(*sizes: int, **more: Any) -> None:
        if kind == "plain":
            world.source.put("subject", sum(sizes), **more)
        else:
            world.source.put_parts("subject", *sizes, **more)

    put(5 * MB, 5 * MB, 3)
    dry_run(world)
    more: dict[str, Any] = {"encryption": "aws:kms"} if change == "unprovable" else {}
    put(5 * MB, 5 * MB, 3 if change != "longer" else 4, **more)
    before = world.destination.contents()

    report = world.run(plan="planned")

    assert "subject" not in world.destination.objects
    assert report["changed"]["objects"] == 1
    assert world.destination.contents().keys() >= before.keys(), "nothing is deleted after a failure"
    assert world.destination.uploads == {}


def test_orphans_that_were_written_anew_or_have_a_source_now_stay(world: World) -> None:
    dry_run(world)
    world.destination.put("orphan-1", b"written anew")
    world.source.put("orphan-2", b"has come")

    report = world.run(plan="planned")

    kept = {key for key in world.destination.objects if key.startswith("orphan")}
    assert kept == {"orphan-1", "orphan-2"}
    assert (report["deleted"]["objects"], report["changed"]["objects"]) == (4, 2)


def test_a_plan_of_many_waves_and_distributed_maps_is_carried_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch, 4)
    pages_a_turn(monkeypatch, 0, 1000)
    monkeypatch.setattr("lambda_functions.shared.tally.maps.MAX_INLINE_SHARDS", 0)
    monkeypatch.setattr("lambda_functions.shared.work_bucket.shards.MAX_SHARD_KEYS", 1)
    dry_run(world)
    assert len(document(world, "plan.json")["waves"]) > 1
    monkeypatch.setattr("lambda_functions.shared.work_bucket.approved_plans.CHUNK_FILES", 2)

    report = world.run(plan="planned")

    assert (report["outcome"], report["copied"]["objects"], report["deleted"]["objects"]) == (
        "Succeeded",
        7,
        6,
    )


# --- Only once


def test_a_second_run_of_the_same_plan_is_refused(world: World) -> None:
    dry_run(world)
    world.run(plan="planned")
    world.name = "again"

    assert f"{ARN}:applied has carried it out, or tried to; a new dry run shows what is left" in refused(
        world
    )


def test_two_runs_that_take_a_plan_at_the_same_moment_are_one_run(world: World) -> None:
    dry_run(world)
    key = f"{PLANNED}/applied-by.json"
    body = json.dumps({"file": key, "execution": f"{ARN}:other"}).encode()
    world.s3.before("PutObject", lambda request: world.work.put(key, body) and None, key=key)

    assert f"{ARN}:other has carried it out" in refused(world)


def test_an_attempt_that_is_repeated_takes_its_own_plan_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dry_run(world)
    handler, attempts = validate_input.handler, []

    def killed_once(event: Any, context: Any) -> Any:
        result = handler(event, context)
        attempts.append(result)
        if len(attempts) == 1:
            raise Killed("after it has taken the plan")
        return result

    monkeypatch.setattr(validate_input, "handler", killed_once)

    assert world.run(plan="planned")["outcome"] == "Succeeded"
    assert [attempt["verdict"] for attempt in attempts] == ["valid", "valid"]


def test_a_run_that_breaks_while_it_takes_a_plan_gives_its_lease_back(world: World) -> None:
    dry_run(world)
    world.s3.before("PutObject", FORBIDDEN, key=f"{PLANNED}/applied-by.json", times=1000)

    report = world.run(plan="planned")

    assert report["outcome"] == "SyncIncomplete"
    assert report["destination"] == world.destination.name
    assert not [key for key in world.work.objects if key.startswith("leases/")]


def test_a_run_that_is_refused_for_another_reason_leaves_the_plan_for_later(world: World) -> None:
    dry_run(world)
    lease = {
        "execution": f"{ARN}:other",
        "startedAt": "2026-11-22T12:00:00Z",
        "folder": "runs/sync/other",
        "prefix": "",
    }
    key = f"leases/{world.destination.name}/other.json"
    world.work.put(key, json.dumps(lease).encode())
    assert world.run(plan="planned")["outcome"] == "AlreadyRunning"
    world.work.delete(key)
    world.name = "later"

    assert world.run(plan="planned")["outcome"] == "Succeeded"


# --- What is refused


def test_a_run_that_was_no_dry_run_is_refused(world: World) -> None:
    world.name = "planned"
    world.run()
    world.name = "applied"

    assert "that run was no dry run" in refused(world)


@pytest.mark.parametrize("why", ["refused", "undecided"])
def test_a_dry_run_that_did_not_succeed_is_refused(world: World, why: str) -> None:
    if why == "undecided":
        for bucket in (world.source, world.destination):
            bucket.put("undecided", b"123", encryption="aws:kms")
        world.s3.before("HeadObject", FORBIDDEN, times=5)
    outcome = dry_run(world, **({"maxDelete": 1} if why == "refused" else {}))["outcome"]

    assert f"the dry run did not succeed, it ended with {outcome}" in refused(world)


def test_a_run_that_has_not_ended_or_never_was_is_refused(world: World) -> None:
    assert "it has left no report" in refused(world)
    assert 'the plan "planned" cannot be carried out: no run of that name has left any files' in refused(
        world, plan="planned"
    )


def test_a_name_that_runs_of_two_machines_have_is_refused_unless_the_machine_is_named(world: World) -> None:
    dry_run(world)
    world.work.put("runs/another/planned/report.json", b"{}")

    assert "2 runs have that name: another/planned, sync/planned" in refused(world, plan="planned")
    assert world.run(plan="sync/planned")["outcome"] == "Succeeded"


@pytest.mark.parametrize(
    "retention_days, age_days, is_right",
    [(30, 7, True), (30, 7.1, False), (20, 4, True), (20, 4.1, False), (17, 0.9, True), (16, 0, False)],
)
def test_a_plan_that_is_too_old_is_refused(
    world: World, retention_days: int, age_days: float, is_right: bool
) -> None:
    world.run_retention_days = retention_days
    planned = dry_run(world)
    world.s3.later(age_days * DAY - 2)
    world.s3.later(3 if not is_right else 0)

    is_warned = any(
        text.startswith("This plan can be read, but not be carried out") for text in planned["warnings"]
    )
    assert is_warned == (retention_days < 17)
    if is_right:
        assert world.run(plan="planned")["outcome"] == "Succeeded"
    else:
        why = "and a plan can be carried out for" if retention_days > 16 else "RUN_RETENTION_DAYS is 16"
        assert why in refused(world)


@pytest.mark.parametrize("made_by", [None, 0, 2, "1"])
def test_a_plan_of_another_format_is_refused(world: World, made_by: Any) -> None:
    dry_run(world)
    report = document(world, "report.json")
    del report["format"]
    report |= {} if made_by is None else {"format": made_by}
    world.work.put(f"{PLANNED}/report.json", json.dumps(report).encode())

    version = "of a version without plans" if made_by is None else f"of format {made_by}"
    assert f"made by a state machine {version}, and this one reads format 1" in refused(world)


def test_a_digest_that_is_not_the_plans_is_refused(world: World) -> None:
    planned = dry_run(world)

    assert f"its planDigest is {planned['planDigest']}, and {'0' * 64} was given" in refused(
        world, planDigest="0" * 64
    )


Tampering = Callable[[World], None]


def _rewrite(name: str, old: bytes, new: bytes) -> Tampering:
    def tamper(world: World) -> None:
        (key,) = [key for key in world.work.objects if key.startswith(f"{PLANNED}/{name}")]
        body = world.work.objects[key].content.body()
        assert old in body
        world.work.put(key, body.replace(old, new, 1))

    return tamper


def _swap_report(world: World) -> None:
    world.name = "another"
    world.run(dryRun=True, delete=False)
    world.name = "applied"
    body = world.work.objects["runs/sync/another/report.json"].content.body()
    world.work.put(f"{PLANNED}/report.json", body)


def _with_other_options(**values: Any) -> Tampering:
    return lambda world: changed(
        world, "report.json", options={**document(world, "report.json")["options"], **values}
    )


TAMPERINGS: dict[str, Tampering] = {
    "a shard": _rewrite("copy/", b"new-0", b"new-9"),
    "a shard of deletes": _rewrite("delete/", b"orphan-0", b"current."),
    "a record": _rewrite("compared/", b'"orphans": 6', b'"orphans": 5'),
    "a record's shard": _rewrite("compared/", b'"file": "copy/', b'"file": "/runs/sync/evil/copy/'),
    "the index of a wave": _rewrite("ranges/", b"1-0001", b"1-0002"),
    "what the plan is made of": _rewrite("plan.json", b"compared/", b"/runs/x/y/"),
    "another run's report": _swap_report,
    "other options": _with_other_options(destination="another-bucket"),
    "an option that is none": _with_other_options(unprovable=7),
    "no options": lambda world: changed(world, "report.json", options=None),
    "no report": lambda world: world.work.put(f"{PLANNED}/report.json", b"[1]") and None,
    "half a report": lambda world: world.work.put(f"{PLANNED}/report.json", b'{"file":') and None,
    "no list of files": lambda world: world.work.delete(f"{PLANNED}/plan.json") and None,
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_plan_that_was_tampered_with_is_refused(world: World, what: str) -> None:
    planned = dry_run(world)
    TAMPERINGS[what](world)

    refused(world)
    refused(world, planDigest=planned["planDigest"])


def test_a_plan_that_was_forged_as_a_whole_is_not_the_one_that_was_approved(world: World) -> None:
    planned = dry_run(world)
    _with_other_options(delete=False)(world)
    report = document(world, "report.json")
    changed(world, "report.json", planDigest=plan_digest(report["options"], document(world, "plan.json")))

    assert "it is not the plan that was approved" in refused(world, planDigest=planned["planDigest"])


def test_a_shard_that_is_changed_while_the_plan_is_carried_out_is_not_begun(world: World) -> None:
    dry_run(world)

    def tamper(step: str, number: int) -> None:
        if step == "copy_keys":
            _rewrite("copy/", b"new-0", b"new-9")(world)
            world.before_step = lambda step, number: None

    world.before_step = tamper
    report = world.run(plan="planned")

    assert report["outcome"] == "SyncIncomplete"
    assert f"{PLANNED}/copy/" in report["cause"]
    assert re.search(
        r"Make a new dry run[^.]*, it shows what is left: a plan is carried out once", report["cause"]
    )
    assert [key for key in world.destination.objects if key.startswith("new")] == []


def test_the_guards_are_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    dry_run(world, maxDelete=6)
    monkeypatch.setattr("lambda_functions.shared.tally.refusals.max_deletes", lambda *_: 5)

    report = world.run(plan="planned")

    assert (report["outcome"], report["deleted"]["objects"], report["copied"]["objects"]) == (
        "DeletionRefused",
        0,
        0,
    )


def test_only_the_concurrency_may_be_another_one(world: World) -> None:
    dry_run(world)

    assert '"delete" cannot stand beside "plan"' in refused(world, delete=False)
    report = world.run(plan="planned", maxConcurrency=7, Comment="approved by two")
    assert (report["outcome"], report["options"]["maxConcurrency"]) == ("Succeeded", 7)
