"""Notices: of which ends there is one, what it says, who may publish, and that nothing is made where nobody asked."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from event_patterns import matches

from deployment.aws import account
from deployment.build.notices import notice_resources, notice_texts
from deployment.project.settings import Settings
from deployment.step_functions import executions
from deployment.tasks.runs import verify
from lambda_functions.shared.tally import metrics
from lambda_functions.shared.tally.report import Ending
from lambda_functions.shared.work_bucket import leases

MACHINES = ["nightly-state-machine"]
MAILS = Settings(stack_name="nightly", notify=("ops@example.com", "me@example.com"))
ALWAYS = Settings(stack_name="nightly", notify=("ops@example.com",), notify_on="always")
TOPIC = Settings(stack_name="nightly", notify="arn:aws:sns:eu-west-1:123456789012:alerts")
STATES = "arn:aws:states:eu-west-1:123456789012"
CAUSE = 'the destination bucket "nope" does not exist. Report: s3://work/runs/m/n/report.json'


def resources(settings: Settings) -> dict[str, Any]:
    return notice_resources.parts(settings, MACHINES)["Resources"]


def kinds(settings: Settings) -> dict[str, str]:
    return {name: resource["Type"] for name, resource in resources(settings).items()}


def filled(template: Any) -> Any:
    """What CloudFormation makes of the pseudo parameters in our patterns and texts."""
    if isinstance(template, dict) and "Fn::Sub" in template:
        given = template["Fn::Sub"]
        text = given if isinstance(given, str) else given[0]
        values = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012"}
        values |= {"WorkBucket": "work", "Domain": "console.aws.amazon.com"}
        return re.sub(r"\$\{([^}]*)\}", lambda found: values[found[1]], text)
    if isinstance(template, dict):
        return {name: filled(value) for name, value in template.items()}
    return [filled(one) for one in template] if isinstance(template, list) else template


def event(
    status: str = "FAILED", machine: str = "nightly-state-machine-20261122-101112", **detail: Any
) -> dict[str, Any]:
    known = {
        "executionArn": f"{STATES}:execution:{machine}:first",
        "stateMachineArn": f"{STATES}:stateMachine:{machine}",
        "name": "first",
        "status": status,
        "input": '{"source": "from", "destination": "nope", "name": "photos"}',
        "error": "InvalidInput",
        "cause": CAUSE,
    }
    whole = {**known, **detail}
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "region": "eu-west-1",
        "detail": {name: value for name, value in whole.items() if value != "left out"},
    }


def told(settings: Settings, happened: dict[str, Any]) -> list[str]:
    """The rules that an event matches."""
    return [
        name
        for name, resource in resources(settings).items()
        if resource["Type"] == "AWS::Events::Rule"
        and matches(happened, filled(resource["Properties"]["EventPattern"]))
    ]


def text(settings: Settings, rule: str, happened: dict[str, Any]) -> str:
    """What a person reads: every quoted line of the template, with what stands at its paths."""
    (target,) = resources(settings)[rule]["Properties"]["Targets"]
    shown = filled(target["InputTransformer"]["InputTemplate"])
    for name, path in target["InputTransformer"]["InputPathsMap"].items():
        value: Any = happened
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        shown = shown.replace(f"<{name}>", value)
    lines = shown.split("\n")
    assert all(line[0] == line[-1] == '"' for line in lines)
    return "\n".join(line[1:-1] for line in lines)


# --- Of what


def test_nothing_is_made_where_nobody_is_to_be_told():
    assert notice_resources.parts(Settings(notify_on="always"), MACHINES) == {"Resources": {}}


def test_addresses_have_a_topic_of_the_stack_and_are_told_of_failures_alone_unless_always():
    made = kinds(MAILS)
    subscriptions = [name for name in made if name.startswith("NoticeSubscription")]
    assert len(subscriptions) == 2
    assert made == {
        "NoticeTopic": "AWS::SNS::Topic",
        "NoticeTopicPolicy": "AWS::SNS::TopicPolicy",
        **dict.fromkeys(subscriptions, "AWS::SNS::Subscription"),
        "NoticeOfFailure": "AWS::Events::Rule",
        "NoticeOfEnd": "AWS::Events::Rule",
        "FailedAlarm": "AWS::CloudWatch::Alarm",
    }
    assert "NoticeOfSuccess" in kinds(ALWAYS)


def test_a_topic_of_ones_own_is_left_as_it_is():
    made = resources(TOPIC)
    assert set(kinds(TOPIC)) == {"NoticeOfFailure", "NoticeOfEnd", "FailedAlarm"}
    assert made["NoticeOfEnd"]["Properties"]["Targets"][0]["Arn"] == TOPIC.notify
    assert made["FailedAlarm"]["Properties"]["AlarmActions"] == [TOPIC.notify]


def test_an_address_keeps_its_subscription_whatever_stands_before_it():
    (alone,) = [name for name in kinds(ALWAYS) if name.startswith("NoticeSubscription")]
    assert resources(MAILS)[alone]["Properties"]["Endpoint"] == "ops@example.com"


def test_only_the_rules_and_the_alarms_of_the_stack_may_publish():
    (by_rules, by_alarms) = resources(ALWAYS)["NoticeTopicPolicy"]["Properties"]["PolicyDocument"][
        "Statement"
    ]
    arns = [{"Fn::GetAtt": [rule, "Arn"]} for rule in ("NoticeOfFailure", "NoticeOfEnd", "NoticeOfSuccess")]
    assert by_rules["Principal"] == {"Service": "events.amazonaws.com"}
    assert by_rules["Condition"] == {"ArnEquals": {"aws:SourceArn": arns}}
    assert by_alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert filled(by_alarms["Condition"]["ArnLike"]) == {
        "aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:nightly-*"
    }
    assert {one["Action"] for one in (by_rules, by_alarms)} == {"sns:Publish"}


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("eu-west-1", []),
        (None, []),
        (
            "us-east-1",
            [
                "NOTIFY is a topic of eu-west-1, and AWS_REGION is us-east-1: rules and alarms send to topics of their own "
                "region only, so the deployment will be refused."
            ],
        ),
    ],
)
def test_a_topic_of_another_region_is_noted_before_the_deployment_is_refused(region, said):
    assert list(notice_resources.notes(dataclasses.replace(TOPIC, region=region))) == said
    assert list(notice_resources.notes(dataclasses.replace(MAILS, region=region))) == []


# --- Which events

FAILURE, END, SUCCESS = "NoticeOfFailure", "NoticeOfEnd", "NoticeOfSuccess"


@pytest.mark.parametrize(
    ("happened", "rules"),
    [
        (event(), [FAILURE]),
        (event("ABORTED", error=None, cause=None), [END]),
        (event("ABORTED", error="left out", cause="left out"), [END]),
        (event("TIMED_OUT", error="States.Timeout", cause=None), [END]),
        (event("FAILED", error="AlreadyRunning", cause=f"{leases.BUSY} into into, prefix"), []),
        (event("FAILED", error="AlreadyRunning", cause="an execution that is over may still be writing into"), [FAILURE]),
        (event("FAILED", error="AlreadyRunning", cause="another execution may be writing into"), [FAILURE]),
        (event("FAILED", error="Stopped"), []),
        (event("ABORTED", error="Stopped", cause="somebody has run `fab stop --now`"), []),
        (event("SUCCEEDED", error=None, cause=None), [SUCCESS]),
        (event("RUNNING", error=None, cause=None), []),
        (event(machine="nightly-state-machine-20261122-101112/CopyKeys"), []),
        (event("SUCCEEDED", machine="nightly-state-machine-20261122-101112/CopyKeys"), []),
        (event(machine="nightly-state-machine-two-20261122-101112"), []),
        (event(machine="another-20261122-101112"), []),
        ({**event(), "source": "somebody"}, []),
    ],
)  # fmt: skip
def test_a_notice_is_sent_of_ends_that_are_news_and_of_no_child(happened: dict[str, Any], rules: list[str]):
    assert told(ALWAYS, happened) == rules
    assert told(MAILS, happened) == [rule for rule in rules if rule != SUCCESS]


def started(name: str, **options: Any) -> dict[str, Any]:
    """The end of an execution of this name; its input as `fab` and the schedules write it."""
    return event(name=name, input=json.dumps({"source": "from", "destination": "to", **options}))


FAB = f"{executions.STARTED_HERE}20261122-101112-1a2b3c"


@pytest.mark.parametrize(
    ("happened", "is_news"),
    [
        (started(FAB, dryRun=True), False),
        (started(FAB, **verify.FIXED), False),
        (started(FAB), True),
        (started(FAB, dryRun=False), True),
        (started(FAB, exclude=['"dryRun": true']), True),
        (started("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", dryRun=True), True),
        (started("by-hand", dryRun=True), True),
        (event(name=FAB, input=None), True),
        (event(name=FAB, input="left out"), True),
    ],
)
def test_of_a_dry_run_that_fab_has_started_nobody_else_is_told(happened: dict[str, Any], is_news: bool):
    assert told(ALWAYS, happened) == ([FAILURE] if is_news else [])
    assert told(ALWAYS, happened | {"detail": happened["detail"] | {"status": "SUCCEEDED"}}) == (
        [SUCCESS] if is_news else []
    )


def test_what_the_patterns_know_of_fab_is_so():
    assert notice_texts.BY_FAB == executions.STARTED_HERE
    assert notice_texts.DRY_RUN in json.dumps({"source": "a", "dryRun": True})


def test_what_the_patterns_know_of_the_lambdas_is_so():
    assert notice_texts.BUSY == leases.BUSY
    assert metrics.NAMESPACE == "SyncBuckets"
    assert Ending(notice_texts.STOPPED).error == "Stopped"


# --- What is said


def test_a_failure_is_told_with_cause_report_input_and_the_way_to_it():
    execution = f"{STATES}:execution:nightly-state-machine-20261122-101112:first"
    assert text(MAILS, FAILURE, event()) == (
        "SyncBuckets: a sync has failed (InvalidInput).\n"
        f"{CAUSE}\n"
        'Its input: {"source": "from", "destination": "nope", "name": "photos"}\n'
        "In a terminal: fab report first\n"
        f"In the console: {account.execution_link(execution)}"
    )


def test_an_execution_that_was_ended_is_told_without_what_its_event_may_lack():
    happened = event("ABORTED", error="left out", cause="left out")
    shown = text(MAILS, END, happened)
    assert shown.startswith("SyncBuckets: a sync was ended before it was done (ABORTED).\n")
    assert "Lambdas of it may still write for 16 minutes; then start again" in shown
    assert "s3://work/runs/" in shown
    assert account.execution_link(happened["detail"]["executionArn"]) in shown


def test_a_success_says_where_its_report_is():
    assert "Its report: in s3://work/runs/, under first\n" in text(ALWAYS, SUCCESS, event("SUCCEEDED"))


@pytest.mark.parametrize("rule", [FAILURE, END, SUCCESS])
def test_a_text_is_one_that_eventbridge_takes(rule: str):
    (target,) = resources(ALWAYS)[rule]["Properties"]["Targets"]
    template, _ = target["InputTransformer"]["InputTemplate"]["Fn::Sub"]
    assert len(template) < 8192
    used = set(re.findall(r"<(.*?)>", template))
    assert used == set(target["InputTransformer"]["InputPathsMap"])
    for line in template.split("\n"):
        assert isinstance(json.loads(line), str)  # a line with a quote or a backslash of its own is none


def test_the_consoles_are_those_of_the_account():
    assert notice_texts.CONSOLE_DOMAINS == account._CONSOLE_DOMAINS
    assert notice_resources.parts(MAILS, MACHINES)["Mappings"]["Console"]["aws-cn"] == {
        "Domain": "console.amazonaws.cn"
    }
