"""What a template has for schedules: all of it with one, nothing of it without."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import cfnlint.api
import pytest
from cfnlint.config import ManualArgs
from places import PROJECT
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from deployment.build import bundle, schedule_resources, template
from deployment.build.schedule_resources import GROUP_ID, QUEUE_ID, ROLE_ID, ScheduleGroup, group_of
from deployment.errors import FrontMatterError
from deployment.project.front_matter import FunctionSpec, read_all
from deployment.project.settings import Settings
from deployment.syncs.entries import read

BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ENTRY = {"source": "here", "destination": "away"}
BY_HAND = Settings(syncs=read({"by_hand": ENTRY}))
NIGHTLY = Settings(
    stack_name="nightly",
    permissions_boundary_arn=BOUNDARY,
    tags={"team": "data"},
    syncs=read({"by_hand": ENTRY, "photos": {**ENTRY, "schedule": "cron(0 3 * * ? *)"}}),
)
MACHINES = ["sync-buckets-state-machine", "other"]
TAGS = [{"Key": "team", "Value": "data"}, {"Key": "syncbuckets:stack", "Value": "nightly"}]


def built(settings: Settings) -> dict[str, Any]:
    specs = read_all(PROJECT / "lambda_functions")
    return template.make(specs, bundle.make_all(specs, PROJECT), settings, "zips", MACHINES)


def test_a_schedule_needs_a_group_a_queue_and_a_role_which_nobody_else_may_take() -> None:
    made = schedule_resources.make(NIGHTLY, MACHINES)

    assert made[GROUP_ID] == {
        "Type": "AWS::Scheduler::ScheduleGroup",
        "Properties": {"Name": "nightly", "Tags": TAGS},
    }
    queue = made[QUEUE_ID]["Properties"]
    assert queue == {"MessageRetentionPeriod": 1_209_600, "SqsManagedSseEnabled": True, "Tags": TAGS}
    role = made[ROLE_ID]["Properties"]
    assert (role["PermissionsBoundary"], role["Tags"]) == (BOUNDARY, TAGS)
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    group = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/nightly"
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnEquals": {"aws:SourceArn": {"Fn::Sub": group}},
        },
    }


def test_the_role_starts_our_machines_and_fills_the_queue_and_does_nothing_else() -> None:
    (policy,) = schedule_resources.make(NIGHTLY, MACHINES)[ROLE_ID]["Properties"]["Policies"]
    states = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine"
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["states:StartExecution"],
            "Resource": [{"Fn::Sub": f"{states}:{name}-????????-??????"} for name in MACHINES],
        },
        {
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": [{"Fn::GetAtt": [QUEUE_ID, "Arn"]}],
        },
    ]


@pytest.mark.parametrize("settings", [Settings(), BY_HAND], ids=["no syncs", "syncs without schedules"])
def test_without_a_schedule_the_template_is_as_if_there_were_none(settings: Settings) -> None:
    assert schedule_resources.make(settings, MACHINES) == schedule_resources.outputs(settings) == {}
    assert built(settings) == built(Settings())


def test_with_schedules_the_rest_of_the_template_stays() -> None:
    off = Settings(stack_name="nightly", permissions_boundary_arn=BOUNDARY, tags={"team": "data"})
    with_them, without = built(NIGHTLY), built(off)
    for part in ("Resources", "Outputs"):
        more = with_them[part].keys() - without[part].keys()
        assert {name: one for name, one in with_them[part].items() if name not in more} == without[part]
        assert len(more) == {"Resources": 3, "Outputs": 4}[part]


def test_the_outputs_tell_where_the_schedules_are() -> None:
    names = list(schedule_resources.outputs(NIGHTLY))
    outputs = dict(zip(names, ["nightly", "role", "queue", "url"], strict=True))
    assert group_of({"WorkBucket": "x", **outputs}) == ScheduleGroup("nightly", "role", "queue", "url")
    assert group_of({"WorkBucket": "x"}) is None
    assert all(
        group_of({key: value for key, value in outputs.items() if key != name}) is None for name in names
    )


@pytest.mark.parametrize("name", ["sync_schedules", "sync_schedules_role", "sync_schedules_dead_letters"])
def test_a_lambda_of_such_a_name_is_refused(name: str) -> None:
    spec = FunctionSpec(name, Path("lambda_functions") / f"{name}.py", {})
    with pytest.raises(FrontMatterError, match=r"already, for the schedules of syncs; rename the file"):
        template.make([spec], [bundle.Bundle(name, "x.zip", b"")], Settings(), "zips", MACHINES)


@pytest.mark.parametrize("settings", [NIGHTLY, BY_HAND], ids=["schedules", "none"])
def test_cfn_lint_has_nothing_to_say(settings: Settings) -> None:
    arguments = ManualArgs(regions=["us-east-1", "eu-west-1"], include_checks=["I"])
    found = cfnlint.api.lint(json.dumps(built(settings)), config=arguments)
    assert [f"{match.rule.id} {match.message}" for match in found] == []


@pytest.mark.parametrize("settings", [NIGHTLY, BY_HAND], ids=["schedules", "none"])
def test_sam_translates_it_and_leaves_schedules_as_they_are(settings: Settings) -> None:
    translated = Translator({}, Parser()).translate(copy.deepcopy(built(settings)), {})
    ours = {name: one for name, one in translated["Resources"].items() if name.startswith("SyncSchedules")}
    assert ours == schedule_resources.make(settings, MACHINES)
