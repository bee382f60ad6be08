"""The API of EventBridge Scheduler: lists, reads, makes, changes and deletes the schedules of our group.

UpdateSchedule replaces the whole schedule, its state too, so whoever changes one gives all of it.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import error_code, error_message, is_missing
from deployment.aws.installation import Installation
from deployment.console import Console
from deployment.errors import StackError
from deployment.schedules.schedule import Schedule
from deployment.step_functions.state_machines import ROLE_RETRY_SECONDS, ROLE_TIMEOUT_SECONDS

AT_A_TIME = 8
"""So many schedules are asked for at the same time."""

# What GetSchedule returns and UpdateSchedule does not take.
_ONLY_READ = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")


def summaries(installation: Installation, group: str) -> list[Mapping[str, Any]]:
    """Return ListSchedules' records of a group by name, each with Name, State and Target.Arn; none where the group is gone."""
    pages = installation.client("scheduler").get_paginator("list_schedules").paginate(GroupName=group)
    try:
        found = [record for page in pages for record in page["Schedules"]]
    except ClientError as error:
        if is_missing(error):
            return []
        raise
    return sorted(found, key=lambda record: str(record["Name"]))


def read(installation: Installation, group: str, name: str) -> dict[str, Any] | None:
    """Return a schedule as UpdateSchedule takes it, None where there is none of that name."""
    try:
        answer = installation.client("scheduler").get_schedule(GroupName=group, Name=name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return {key: value for key, value in answer.items() if key not in _ONLY_READ and value is not None}


def read_all(installation: Installation, group: str) -> tuple[Schedule, ...]:
    """Return all schedules of a group: a List, and a Get for each."""
    return read_named(installation, group, [str(record["Name"]) for record in summaries(installation, group)])


def read_named(installation: Installation, group: str, names: Sequence[str]) -> tuple[Schedule, ...]:
    """Return the schedules of these names, without those that have gone: a Get for each."""
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="schedule") as pool:
        found = pool.map(lambda name: read(installation, group, name), names)
        return tuple(schedule_from(answer) for answer in found if answer is not None)


def create(installation: Installation, group: str, schedule: Schedule, console: Console) -> None:
    """Make a schedule; raise StackError when Scheduler cannot assume its role even after 90 seconds."""
    send = installation.client("scheduler").create_schedule
    _send_when_role_is_ready(installation, send, request_of(group, schedule), console)


def update(installation: Installation, group: str, schedule: Schedule, console: Console) -> None:
    """Put this in the place of the schedule of its name, `state` included; raise as `create`."""
    send = installation.client("scheduler").update_schedule
    _send_when_role_is_ready(installation, send, request_of(group, schedule), console)


def write_back(installation: Installation, given: Mapping[str, Any]) -> None:
    """Put a schedule, in the form of `read`, in the place of the one of its name."""
    installation.client("scheduler").update_schedule(**given)


def delete(installation: Installation, group: str, name: str) -> None:
    """Delete a schedule, which may have gone already."""
    try:
        installation.client("scheduler").delete_schedule(GroupName=group, Name=name)
    except ClientError as error:
        if not is_missing(error):
            raise


def request_of(group: str, schedule: Schedule) -> dict[str, Any]:
    """Return the parameters of CreateSchedule and UpdateSchedule."""
    retries = {
        "MaximumEventAgeInSeconds": schedule.max_event_age_seconds,
        "MaximumRetryAttempts": schedule.max_attempts,
    }
    target = {
        "Arn": schedule.machine_arn,
        "RoleArn": schedule.role_arn,
        "Input": schedule.input,
        "RetryPolicy": {name: value for name, value in retries.items() if value is not None},
        **({"DeadLetterConfig": {"Arn": schedule.dead_letter_arn}} if schedule.dead_letter_arn else {}),
    }
    return {
        "GroupName": group,
        "Name": schedule.name,
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": schedule.timezone,
        "FlexibleTimeWindow": {"Mode": schedule.window},
        "Target": target,
        "State": schedule.state,
    }


def schedule_from(answer: Mapping[str, Any]) -> Schedule:
    """Return what GetSchedule has answered."""
    target = answer["Target"]
    retries = target.get("RetryPolicy", {})
    return Schedule(
        name=answer["Name"],
        expression=answer["ScheduleExpression"],
        timezone=answer.get("ScheduleExpressionTimezone", "UTC"),
        machine_arn=target["Arn"],
        role_arn=target["RoleArn"],
        input=target.get("Input", ""),
        dead_letter_arn=target.get("DeadLetterConfig", {}).get("Arn"),
        max_event_age_seconds=retries.get("MaximumEventAgeInSeconds"),
        max_attempts=retries.get("MaximumRetryAttempts"),
        window=answer["FlexibleTimeWindow"]["Mode"],
        state=answer["State"],
    )


def _send_when_role_is_ready(
    installation: Installation, send: Callable[..., Any], request: Mapping[str, Any], console: Console
) -> None:
    waited_seconds = 0
    while True:
        try:
            send(**request)
            return
        except ClientError as error:
            if not _role_is_not_ready(error):
                raise
            if waited_seconds >= ROLE_TIMEOUT_SECONDS:
                raise StackError(
                    f"The schedule {request['Name']}: EventBridge Scheduler cannot assume the role "
                    f"{request['Target']['RoleArn']} even after {ROLE_TIMEOUT_SECONDS} seconds: {error_message(error)} "
                    "Run `fab` again; if that does not help, check the role's trust policy."
                ) from error
        if not waited_seconds:
            console.step("Waiting until the new role of the schedules can be used.")
        installation.clock.sleep(ROLE_RETRY_SECONDS)
        waited_seconds += ROLE_RETRY_SECONDS


def _role_is_not_ready(error: ClientError) -> bool:
    """Whether Scheduler cannot assume the role (yet), which a new role causes for some seconds.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/troubleshooting.html
    """
    return error_code(error) == "ValidationException" and "assume" in error_message(error)
