"""What the schedules of SYNCS need in the stack: a group, a role for EventBridge Scheduler, a queue for what it gives up.

Only where a sync has a schedule: a template without any has nothing of it. The schedules themselves are not here but made through
the API, because a target is a state machine, which is made after the stack. They go with their group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.build import policies
from deployment.project.settings import Settings
from deployment.project.tags import tags_of, upper_case_list

GROUP_ID, ROLE_ID, QUEUE_ID = "SyncSchedules", "SyncSchedulesRole", "SyncSchedulesDeadLetters"
LOGICAL_IDS = (GROUP_ID, ROLE_ID, QUEUE_ID)

_GROUP_OUTPUT, _ROLE_OUTPUT = "ScheduleGroup", "ScheduleRoleArn"
_QUEUE_OUTPUT, _QUEUE_URL_OUTPUT = "ScheduleDeadLettersArn", "ScheduleDeadLettersUrl"

RETENTION_SECONDS = 14 * 24 * 60 * 60
"""The longest that a queue keeps a message.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""


@dataclass(frozen=True)
class ScheduleGroup:
    """The group of a stack's schedules as the outputs tell it, and what each of its schedules refers to."""

    name: str
    role_arn: str
    queue_arn: str
    queue_url: str


def are_needed(settings: Settings) -> bool:
    """Whether any sync has a schedule."""
    return any(sync.schedule for sync in settings.syncs)


def make(settings: Settings, machine_names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the resources, none where no sync has a schedule; `machine_names` are without timestamps."""
    if not are_needed(settings):
        return {}
    tags = upper_case_list(tags_of(settings))
    return {
        GROUP_ID: {
            "Type": "AWS::Scheduler::ScheduleGroup",
            "Properties": {"Name": settings.stack_name, "Tags": tags},
        },
        QUEUE_ID: {
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "MessageRetentionPeriod": RETENTION_SECONDS,
                "SqsManagedSseEnabled": True,
                "Tags": tags,
            },
        },
        ROLE_ID: {"Type": "AWS::IAM::Role", "Properties": _role(settings, machine_names) | {"Tags": tags}},
    }


def outputs(settings: Settings) -> dict[str, Any]:
    """Return the outputs that `group_of` reads."""
    if not are_needed(settings):
        return {}
    return {
        _GROUP_OUTPUT: {"Value": settings.stack_name},
        _ROLE_OUTPUT: {"Value": {"Fn::GetAtt": [ROLE_ID, "Arn"]}},
        _QUEUE_OUTPUT: {"Value": {"Fn::GetAtt": [QUEUE_ID, "Arn"]}},
        _QUEUE_URL_OUTPUT: {"Value": {"Ref": QUEUE_ID}},
    }


def group_of(outputs: Mapping[str, str]) -> ScheduleGroup | None:
    """Return the group of a stack with these outputs, None for a stack without schedules."""
    names = (_GROUP_OUTPUT, _ROLE_OUTPUT, _QUEUE_OUTPUT, _QUEUE_URL_OUTPUT)
    if not outputs.keys() >= set(names):
        return None
    return ScheduleGroup(*(outputs[name] for name in names))


def _role(settings: Settings, machine_names: Sequence[str]) -> dict[str, Any]:
    return {
        "Description": f"What the schedules of {settings.stack_name} may do",
        "AssumeRolePolicyDocument": policies.scheduler_trust(settings.stack_name),
        "Policies": [
            {
                "PolicyName": "Schedules",
                "PolicyDocument": policies.scheduler_policy(machine_names, QUEUE_ID),
            }
        ],
        **policies.boundary(settings),
    }
