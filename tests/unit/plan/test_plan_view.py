"""A plan as text and as a document, compared whole."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from places import PROJECT

from deployment.build.bucket_access import TakenAway
from deployment.cloudformation.changes import Change, PropertyChange
from deployment.errors import ChangesFound
from deployment.plan import rows as plan_rows
from deployment.plan import view
from deployment.plan.definition_diff import MachinePlan
from deployment.plan.plan import DeploymentPlan
from deployment.plan.rows import Row
from deployment.step_functions.callers import Caller, Loss
from deployment.syncs import entries
from tests.deployed_stack import NOTHING_PLANNED
from tests.recording_console import RecordingConsole

PLACE = "Account 123456789012, region eu-west-1, stack sync-buckets"
MACHINE = "sync-buckets-state-machine"
NEWEST = f"{MACHINE}-20261122-143000"
SOURCES = {
    "Resources": {
        name: {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Handler": f"lambda_functions/{file}.handler"},
        }
        for name, file in (("CopyKeys", "copy_keys"), ("TallyRun", "tally_run"))
    }
}
UNCHANGED = replace(NOTHING_PLANNED, machines=(MachinePlan(MACHINE, "none", NEWEST),), sources=SOURCES)
POLICIES = PropertyChange("Policies", [{"Action": "s3:GetObject"}], [{"Action": "s3:*"}])
CHANGES = (
    Change(
        "Modify",
        "CopyKeys",
        "AWS::Lambda::Function",
        "False",
        (PropertyChange("Code/S3Key", "a-1.zip", "a-2.zip"),),
    ),
    Change("Add", "CopyKeysVersion0123456789", "AWS::Lambda::Version"),
    Change("Retain", "CopyKeysVersionabcdef0123", "AWS::Lambda::Version"),
    Change("Modify", "CopyKeysRole", "AWS::IAM::Role", "False", (POLICIES,)),
    Change(
        "Modify",
        "TallyRun",
        "AWS::Lambda::Function",
        "False",
        (PropertyChange("Role", values_known=False, cause="TallyRunRole.Arn"),),
    ),
    Change("Modify", "WorkBucket", "AWS::S3::Bucket", "True", (PropertyChange("BucketName", None, "x"),)),
    Change("Remove", "Old", "AWS::SQS::Queue"),
    Change(
        "Modify",
        "TallyRunLogGroup",
        "AWS::Logs::LogGroup",
        "False",
        (PropertyChange("RetentionInDays", 30, 14),),
    ),
)
CHANGED = replace(
    UNCHANGED,
    uploads=("copy_keys-2.zip",),
    changes=CHANGES,
    settings=(
        PropertyChange("TerminationProtection", False, True),
        PropertyChange("Tags", {}, {"team": "data"}),
        PropertyChange("Outputs", ["WorkBucket"], ["StateMachines", "WorkBucket"]),
    ),
    machines=(MachinePlan(MACHINE, "create", NEWEST, "-a\n+b", (("copy_keys", "3", "(new)"),), True),),
)


MORE = f"{MACHINE}-20261121-081500"
EXECUTION = f"arn:aws:states:eu-west-1:123456789012:execution:{NEWEST}:nightly"
GONE = ("sync-buckets-copy-keys",)
LOSING = replace(
    CHANGED,
    changes=(
        Change("Remove", "CopyKeys", "AWS::Lambda::Function", physical_id=GONE[0]),
        Change("Retain", "CopyKeysVersionabcdef0123", "AWS::Lambda::Version"),
        Change("Retain", "TallyRunVersionabcdef0123", "AWS::Lambda::Version"),
    ),
    loss=Loss(GONE, (Caller(NEWEST, GONE, (EXECUTION,)), Caller(MORE, GONE))),
)
LOST = "Deleted: the function sync-buckets-copy-keys with all its versions."


def shown(plan: DeploymentPlan) -> RecordingConsole:
    console = RecordingConsole()
    view.show(console, plan, as_json=False, fail_on_changes=False)  # type: ignore[arg-type]
    return console


def test_nothing_to_do_is_said_with_the_place() -> None:
    assert shown(UNCHANGED).results == [PLACE, "\nNothing to do: everything is up to date."]


def test_access_comes_first_then_what_is_lost_and_a_changed_zip_reads_code() -> None:
    assert plan_rows.rows(CHANGES, SOURCES) == [
        Row("copy_keys role", "change", "Policies", False),
        Row("WorkBucket", "replace", "BucketName x (was not set)", True),
        Row("Old", "remove", "AWS::SQS::Queue", True),
        Row("copy_keys", "change", "code; new version", False),
        Row("tally_run", "change", "log group RetentionInDays 30 -> 14", False),
    ]


def test_a_value_that_is_used_twice_is_no_change_and_has_no_anchor() -> None:
    shared = {"Fn::Sub": "${AWS::Partition}"}
    now, then = [[{**shared}], [{**shared}]], [[shared], [shared], ["new"]]
    change = Change(
        "Modify", "CopyKeysRole", "AWS::IAM::Role", "False", (PropertyChange("Policies", now, then),)
    )
    console = shown(replace(UNCHANGED, changes=(change,)))

    assert console.diffs[:1] == [
        "@@ -1,2 +1,3 @@\n - - Fn::Sub: ${AWS::Partition}\n - - Fn::Sub: ${AWS::Partition}\n+- - new"
    ]


def test_the_whole_plan_as_text() -> None:
    console = shown(CHANGED)

    assert console.results == [
        PLACE,
        "",
        "\ncopy_keys role: Policies",
        "\nChecked again, only because they refer to what changes: tally_run\n"
        "Uploads:\n"
        "  copy_keys-2.zip\n"
        "Stack: termination protection on\n"
        "Stack: tags none -> team=data\n"
        "Stack: outputs WorkBucket -> StateMachines, WorkBucket\n"
        "Versions: 1 older version stays in Lambda, for older state machines.",
        f"State machine: a new {MACHINE} beside {NEWEST}.\n  versions: copy_keys 3 -> (new)\n  role: new",
        "\nNothing has been changed. To do this: fab",
    ]
    assert console.diffs == ["@@ -1 +1 @@\n-- Action: s3:GetObject\n+- Action: s3:*", "-a\n+b"]
    ((_, columns, rows),) = console.tables
    assert list(columns) == ["resource", "change", "what"]
    assert rows[0] == ["copy_keys role", "change", "Policies"]
    assert console.row_styles == [["", "bold red", "bold red", "", ""]]


def test_a_function_that_goes_is_named_with_what_calls_it_and_its_versions_are_not_counted_among_those_that_stay() -> (
    None
):
    results = shown(LOSING).results

    assert results[2].splitlines()[-4:] == [
        "Versions: 1 older version stays in Lambda, for older state machines.",
        f"{LOST} These can no longer be started:",
        f"  {NEWEST}: 1 execution RUNNING: nightly",
        f"  {MORE}",
    ]
    assert results[-1] == (
        "\n`fab` would delete the function sync-buckets-copy-keys with all its versions while executions that call it are "
        f"RUNNING:\n  {NEWEST}: 1 execution RUNNING: nightly\n"
        "Nothing was deployed. Wait until they have ended (`fab status` shows how far they are), or stop each of them with "
        f"`aws stepfunctions stop-execution --region eu-west-1 --execution-arn {EXECUTION}`; then run `fab` again. "
        "To keep the function, put its file back."
    )


def test_a_function_that_nothing_calls_may_go_and_one_whose_callers_are_unknown_may_not() -> None:
    free = replace(LOSING, loss=Loss(GONE))
    closed = replace(LOSING, loss=Loss(GONE, (Caller(MORE, GONE, problem="AWS refused ListExecutions."),)))

    assert f"{LOST} No state machine calls it." in shown(free).results[2]
    assert shown(free).results[-1] == "\nNothing has been changed. To do this: fab"
    assert (
        shown(closed)
        .results[2]
        .endswith(f"\n{LOST}\nNot known whether they call it:\n  {MORE}: AWS refused ListExecutions.")
    )
    assert shown(closed).results[-1] == (
        "\nIt is not known whether an execution that calls the function sync-buckets-copy-keys with all its versions is "
        f"RUNNING:\n  {MORE}: AWS refused ListExecutions.\n"
        "Nothing was deployed. Allow that to whoever deploys (docs/permissions.md), then run `fab` again."
    )


def test_the_document_of_a_function_that_goes_has_machines_and_executions() -> None:
    document = view.document(LOSING)

    assert document["lostFunctions"] == {
        "functions": list(GONE),
        "callers": [
            {"name": NEWEST, "functions": list(GONE), "running": [EXECUTION], "problem": None},
            {"name": MORE, "functions": list(GONE), "running": [], "problem": None},
        ],
    }
    assert document["refusal"] == LOSING.refusal


def test_a_machine_whose_file_was_renamed_is_said_to_be_current_no_longer() -> None:
    plan = replace(CHANGED, machines=(MachinePlan("it", "create"), MachinePlan(MACHINE, "retire", NEWEST)))

    assert shown(plan).results[-3:-1] == [
        "State machine: it would be created.",
        f"State machine: {NEWEST} is no longer the current one: no file has the name {MACHINE} any more.",
    ]


def test_a_first_deployment_has_a_row_for_each_function_and_each_role() -> None:
    changes = (
        Change("Add", "CopyKeys", "AWS::Lambda::Function"),
        Change("Add", "CopyKeysRole", "AWS::IAM::Role"),
        Change("Add", "CopyKeysLogGroup", "AWS::Logs::LogGroup"),
        Change("Add", "CopyKeysVersion0123456789", "AWS::Lambda::Version"),
    )

    assert plan_rows.rows(changes, SOURCES) == [
        Row("copy_keys role", "add", "role", False),
        Row("copy_keys", "add", "function, log group, version", False),
    ]


def test_a_follower_that_may_be_replaced_is_no_mere_follower() -> None:
    follower = PropertyChange("Bucket", values_known=False, cause="WorkBucket")
    change = Change("Modify", "Policy", "AWS::S3::BucketPolicy", "Conditional", (follower,))

    assert plan_rows.rows([change], SOURCES) == [
        Row("Policy", "perhaps replace", "Bucket follows WorkBucket", True)
    ]
    assert plan_rows.followers([change], SOURCES) == []


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (PropertyChange("MemorySize", 512, 1024), "MemorySize 512 -> 1024"),
        (PropertyChange("MemorySize", "512", "1024"), "MemorySize 512 -> 1024"),
        (PropertyChange("Flag", True, None), "Flag no longer set (was true)"),
        (PropertyChange("Text", "x" * 31, "y"), "Text"),
        (PropertyChange("Policies", '[{"a": 1}]', "[]"), "Policies"),
        (PropertyChange("CodeUri/Key", "a", "b"), "code"),
        (PropertyChange("Timeout", values_known=False), "Timeout"),
    ],
)
def test_values_are_shown_where_they_are_short(found: PropertyChange, text: str) -> None:
    change = Change("Modify", "CopyKeys", "AWS::Lambda::Function", "False", (found,))

    assert [row.what for row in plan_rows.rows([change], SOURCES)] == [text]


def test_an_obstacle_is_said_instead_of_changes() -> None:
    assert shown(replace(UNCHANGED, obstacle="The stack is busy. Wait.")).results == [
        f"{PLACE}\n\nThe stack is busy. Wait.\nWhat `fab` would do afterwards is not known before."
    ]


def test_a_leftover_and_a_missing_stack_are_named_at_the_top() -> None:
    leftover = replace(UNCHANGED, replaces_leftover=True, status="ROLLBACK_COMPLETE")
    assert shown(leftover).results[0] == (
        f"{PLACE}\n\nThe stack was never created (ROLLBACK_COMPLETE): `fab` removes what is left of it and creates it again."
    )
    missing = replace(UNCHANGED, status=None, creates_bucket=True, machines=(MachinePlan(MACHINE, "create"),))
    assert shown(missing).results == [
        f"{PLACE}\n\nThe stack does not exist yet: everything is new.",
        "\nThe stack's resources stay as they are.",
        "\nDeployment bucket: the-bucket would be created.",
        f"State machine: {MACHINE} would be created.",
        "\nNothing has been changed. To do this: fab",
    ]


def test_the_document_says_all_of_it() -> None:
    console = RecordingConsole()

    view.show(console, replace(CHANGED, changes=CHANGES[:4:3]), as_json=True, fail_on_changes=False)  # type: ignore[arg-type]

    (text,) = console.results
    assert json.loads(text) == {
        "formatVersion": 1,
        "account": "123456789012",
        "region": "eu-west-1",
        "stack": "sync-buckets",
        "stackStatus": "UPDATE_COMPLETE",
        "wouldChange": True,
        "obstacle": None,
        "replacesLeftover": False,
        "deploymentBucket": {"name": "the-bucket", "action": "none"},
        "uploads": ["copy_keys-2.zip"],
        "resources": [
            {
                "action": "change",
                "logicalId": "CopyKeys",
                "type": "AWS::Lambda::Function",
                "source": "lambda_functions/copy_keys.py",
                "properties": [{"path": "Code/S3Key", "before": "a-1.zip", "after": "a-2.zip"}],
            },
            {
                "action": "change",
                "logicalId": "CopyKeysRole",
                "type": "AWS::IAM::Role",
                "source": "lambda_functions/copy_keys.py",
                "properties": [
                    {
                        "path": "Policies",
                        "before": [{"Action": "s3:GetObject"}],
                        "after": [{"Action": "s3:*"}],
                    }
                ],
            },
        ],
        "resourcesFrom": "changeSet",
        "settings": [
            {"path": "TerminationProtection", "before": False, "after": True},
            {"path": "Tags", "before": {}, "after": {"team": "data"}},
            {"path": "Outputs", "before": ["WorkBucket"], "after": ["StateMachines", "WorkBucket"]},
        ],
        "stateMachines": [
            {
                "name": MACHINE,
                "action": "create",
                "newest": NEWEST,
                "diff": "-a\n+b",
                "versions": [{"function": "copy_keys", "before": "3", "after": "(new)"}],
                "roleChanges": True,
            }
        ],
        "schedules": [],
        "lostFunctions": {"functions": [], "callers": []},
        "lostBuckets": {"read": [], "write": []},
        "missingBuckets": [],
        "refusal": None,
    }


def test_every_field_of_the_document_is_described() -> None:

    page = (PROJECT / "docs" / "planning.md").read_text(encoding="utf-8")
    document = view.document(CHANGED)
    names = {
        *document,
        *document["resources"][0],
        *document["stateMachines"][0],
        *document["deploymentBucket"],
    }
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("as_json", [True, False])
def test_a_plan_that_shall_fail_on_changes_fails_on_any_and_on_nothing_else(as_json: bool) -> None:
    view.show(RecordingConsole(), UNCHANGED, as_json, fail_on_changes=True)  # type: ignore[arg-type]
    for one in (
        replace(UNCHANGED, obstacle="busy"),
        replace(UNCHANGED, replaces_leftover=True),
        replace(UNCHANGED, creates_bucket=True),
        replace(UNCHANGED, uploads=("a",)),
        replace(UNCHANGED, changes=CHANGES[:1]),
        replace(UNCHANGED, settings=CHANGED.settings),
        replace(UNCHANGED, machines=CHANGED.machines),
    ):
        with pytest.raises(ChangesFound):
            view.show(RecordingConsole(), one, as_json, fail_on_changes=True)  # type: ignore[arg-type]


def test_buckets_that_leave_the_policies_are_said_and_are_in_the_document() -> None:
    taking = replace(CHANGED, taken=TakenAway(("photos",), ("photos-copy",)))
    assert view.notes(taking)[-1] == (
        "Buckets: the functions may no longer read photos and no longer write into photos-copy."
    )
    assert view.document(taking)["lostBuckets"] == {"read": ["photos"], "write": ["photos-copy"]}
    assert not any("Buckets:" in note for note in view.notes(CHANGED))


def test_what_a_sync_would_stumble_over_is_said_whether_anything_changes_or_not() -> None:
    several = {
        "photos": {"source": "my-source", "destination": "into", "exclude": ["*.tmp"]},
        "films": {"source": "my-films", "destination": "into", "delete": False},
    }
    settings = replace(CHANGED.installation.settings, syncs=entries.read(several))
    installation = replace(CHANGED.installation, settings=settings)
    missing = {"my-films": ["films"], "into": ["photos", "films"]}
    for plan in (CHANGED, UNCHANGED):
        found = replace(plan, installation=installation, missing_buckets=missing)
        console = RecordingConsole()
        view.show(console, found, False, False)  # type: ignore[arg-type]
        said = "\n".join(console.results)
        assert "\nNote: SYNCS['films']: it and SYNCS['photos'] both write into the bucket" in said
        assert (
            "\nBuckets: there is no bucket my-films (S3 answers 404), which SYNCS names (films). Check the name, or create the "
            "bucket.\nBuckets: there is no bucket into (S3 answers 404), which SYNCS names (photos, films)."
        ) in said
        assert view.document(found)["missingBuckets"] == [
            {"bucket": "my-films", "syncs": ["films"]},
            {"bucket": "into", "syncs": ["photos", "films"]},
        ]
    assert view.sync_lines(CHANGED) == []


def test_a_sync_that_no_alarm_can_watch_is_told_of_before_it_is_deployed() -> None:
    monthly = {
        "photos": {"source": "my-source", "destination": "my-destination", "schedule": "rate(30 days)"}
    }
    settings = replace(
        CHANGED.installation.settings, notify=("ops@example.com",), syncs=entries.read(monthly)
    )
    watched = replace(CHANGED, installation=replace(CHANGED.installation, settings=settings))

    assert view.notes(watched)[-1].startswith(
        "Notices: The sync photos runs once in 30 days. No alarm can say that it has not succeeded,"
    )
    assert not any(note.startswith("Notices:") for note in view.notes(CHANGED))
