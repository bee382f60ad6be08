"""What a notice says, and of which ends of executions there is one: patterns and templates of EventBridge. Pure.

An input transformer replaces `<name>` by what stands in the event at a path, and cannot look into the input, which the event has
as a text, nor cut an ARN. So the sentences come from the run itself: the cause of an execution says what is wrong, what to do,
where the report is and which sync it was. A template of several texts in quotes, one a line, is not JSON, and a target such as
SNS gets it as text. EventBridge does not escape what it fills in, which is why no JSON object is made here: the first quote in
a cause would break it (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deployment.build.policies import sub

# Beginnings of causes and names of errors of `lambda_functions/shared`, which a test compares.
BUSY = "another execution is writing into"
STOPPED = "Stopped"
# How `fab` names what it starts, and writes a dry run down, both of which a test compares. In a text of JSON a quote is escaped,
# so no pattern of keys can look like this option.
BY_FAB = "fab-"
DRY_RUN = '"dryRun": true'

# The console of each partition; `aws.account` has them too.
CONSOLE_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}
MAPPING = "Console"

_STATE_MACHINES = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine"

# https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html has the fields of an event.
_PATHS = {
    "region": "$.region",
    "execution": "$.detail.executionArn",
    "name": "$.detail.name",
    "status": "$.detail.status",
    "input": "$.detail.input",
}
_WHY = {"error": "$.detail.error", "cause": "$.detail.cause"}
_WHERE = (
    "Its input: <input>",
    "In a terminal: fab report <name>",
    "In the console: https://<region>.${Domain}/states/home?region=<region>#/v2/executions/details/<execution>",
)


@dataclass(frozen=True)
class Notice:
    """A kind of notice: of which statuses, and with what lines."""

    statuses: tuple[str, ...]
    lines: tuple[str, ...]


# Only an execution that FAILED has come to its report; a variable that the event does not have, or as null, would leave a hole.
FAILED = Notice(("FAILED",), ("SyncBuckets: a sync has failed (<error>).", "<cause>", *_WHERE))
ENDED = Notice(
    ("ABORTED", "TIMED_OUT"),
    (
        "SyncBuckets: a sync was ended before it was done (<status>).",
        "Somebody has stopped its execution, or it has timed out. There is no report. Lambdas of it may still write for 16 "
        "minutes; then start again: a sync takes up where the last one stopped.",
        "What it has left: s3://${WorkBucket}/runs/",
        *_WHERE,
    ),
)
SUCCEEDED = Notice(
    ("SUCCEEDED",),
    ("SyncBuckets: a sync has succeeded.", "Its report: in s3://${WorkBucket}/runs/, under <name>", *_WHERE),
)


def pattern(notice: Notice, machine_names: Sequence[str]) -> dict[str, Any]:
    """Return which events are meant: ends of our machines' executions, but not of the children of a Distributed Map.

    No notice of what somebody has stopped, nor of a run that had to make way for one that is RUNNING, nor of a dry run that `fab`
    has started, whose end is on the screen of whoever asked. An execution that was ended from outside may have neither error nor
    cause, as null or not at all, and counts; so does one with an input too long for an event.
    """
    none = [None, {"exists": False}]
    by_others = {"name": [{"anything-but": {"prefix": BY_FAB}}]}
    not_dry = {"input": [*none, {"anything-but": {"wildcard": f"*{DRY_RUN}*"}}]}
    failures = {
        "error": [*none, {"anything-but": [STOPPED]}],
        "cause": [*none, {"anything-but": {"prefix": BUSY}}],
    }
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            # A timestamp begins with its century, so that `nightly` does not take the executions of `nightly-two`.
            "stateMachineArn": [{"prefix": sub(f"{_STATE_MACHINES}:{name}-2")} for name in machine_names],
            # Of a child: ...:execution:machine/CopyKeys:name
            "executionArn": [{"anything-but": {"wildcard": "*/*"}}],
            "status": list(notice.statuses),
            "$or": [by_others, not_dry],
            **({} if notice is SUCCEEDED else failures),
        },
    }


def transformer(notice: Notice) -> dict[str, Any]:
    """Return the text of a notice for EventBridge: paths into the event, and a template of lines in quotes."""
    template = "\n".join(f'"{line}"' for line in notice.lines)
    domain = {"Fn::FindInMap": [MAPPING, {"Ref": "AWS::Partition"}, "Domain"]}
    used = {**_PATHS, **_WHY}
    return {
        "InputPathsMap": {name: path for name, path in used.items() if f"<{name}>" in template},
        "InputTemplate": {"Fn::Sub": [template, {"Domain": domain}]},
    }


def mappings() -> dict[str, Any]:
    """Return what the template needs besides its resources."""
    return {MAPPING: {partition: {"Domain": domain} for partition, domain in CONSOLE_DOMAINS.items()}}
