"""Notices of a stack that is deployed with them: what arrives at a queue that listens to its topic."""

from __future__ import annotations

import json
from typing import Any

from deployed_project import Project


class Listener:
    """A queue that gets what a topic sends."""

    def __init__(self, project: Project) -> None:
        self.sns, self.sqs = project.client("sns"), project.client("sqs")
        topics = [one["TopicArn"] for one in self.sns.list_topics()["Topics"]]
        (topic,) = [arn for arn in topics if arn.endswith(f":{project.stack_name()}-notices")]
        self.url = self.sqs.create_queue(QueueName=f"{project.stack_name()}-heard")["QueueUrl"]
        names = ["QueueArn"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self.heard: list[str] = []

    def of(self, execution_arn: str) -> list[str]:
        """Return what has arrived so far about an execution."""
        name = execution_arn.rpartition(":")[2]
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            self.heard.append(json.loads(message["Body"])["Message"])
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [text for text in self.heard if name in text]


def with_notices(project: Project) -> Listener:
    """Deploy a project with notices; return who hears them."""
    project.replace("fabfile_config.py", "NOTIFY = []", 'NOTIFY = ["ops@example.com"]')
    project.replace("fabfile_config.py", "DASHBOARD = False", "DASHBOARD = True")
    photos = {"source": "heard-source", "destination": "heard-destination", "schedule": "rate(6 hours)"}
    project.replace("fabfile_config.py", "SYNCS = {}", f"SYNCS = {{'photos': {photos}}}")
    done = project.fab()
    assert done.returncode == 0, done.stdout + done.stderr
    return Listener(project)


def fail(project: Project) -> tuple[str, dict[str, Any]]:
    """Run something that cannot be; return the execution's ARN and how it ended."""
    arn = project.start(source="heard-source", destination="not-there-at-all")
    return arn, project.wait(arn)


def succeed(project: Project) -> str:
    arn = project.start(source="heard-source", destination="heard-destination")
    assert project.wait(arn)["status"] == "SUCCEEDED"
    return arn


def test_a_failed_run_is_heard_of_with_its_addresses_a_good_one_only_if_always(editable: Project) -> None:
    heard = with_notices(editable)
    for bucket in ("heard-source", "heard-destination"):
        editable.bucket(bucket)

    good = succeed(editable)
    bad, ended = fail(editable)

    editable.wait_until(lambda: bool(heard.of(bad)))
    (text,) = heard.of(bad)
    assert "SyncBuckets: a sync has failed (InvalidInput)." in text
    assert ended["cause"] in text
    assert "s3://" in ended["cause"]
    assert ended["cause"].endswith(f"{bad.rpartition(':')[2]}/report.json")
    assert (
        f"https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/{bad}"
        in text
    )
    assert '"destination": "not-there-at-all"' in text
    assert heard.of(good) == []

    alarms = editable.client("cloudwatch").describe_alarms()["MetricAlarms"]
    stack = editable.stack_name()
    assert sorted(one["AlarmName"] for one in alarms if one["AlarmName"].startswith(f"{stack}-")) == [
        f"{stack}-failed",
        f"{stack}-photos has not succeeded for 2 x its interval of 6 h 00 min",
    ]
    dashboards = editable.client("cloudwatch").list_dashboards()["DashboardEntries"]
    assert stack in [one["DashboardName"] for one in dashboards]
    logs = editable.fab("logs", "--function", "tally_run", "--since", "1h", "--json")
    lines = [json.loads(line)["raw"] for line in logs.stdout.splitlines()]
    written = [json.loads(line) for line in lines if line.startswith('{"_aws"')]
    assert sorted((one["Sync"], one["Succeeded"], one["Failed"]) for one in written) == [
        ("unnamed", 0, 1),
        ("unnamed", 1, 0),
    ]

    editable.replace("fabfile_config.py", 'NOTIFY_ON = "failure"', 'NOTIFY_ON = "always"')
    assert editable.fab().returncode == 0
    good, (bad, _) = succeed(editable), fail(editable)
    editable.wait_until(lambda: bool(heard.of(good)) and bool(heard.of(bad)))
    assert ["SyncBuckets: a sync has succeeded." in text for text in heard.of(good)] == [True]
    assert editable.fab("plan", "--fail-on-changes").returncode == 0
    assert editable.fab("delete", "--yes").returncode == 0
    topics = [one["TopicArn"] for one in editable.client("sns").list_topics()["Topics"]]
    assert [arn for arn in topics if editable.stack_name() in arn] == []
