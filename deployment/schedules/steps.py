"""What tasks do with the schedules of a stack, whose outputs tell whether it has any: a stack without is asked nothing.

A schedule starts the machine that `fab sync` starts. It is repointed by every deployment and by `fab rollback`, because a machine
is never changed and each has a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from deployment.aws.errors import is_denied
from deployment.aws.installation import Installation
from deployment.build import schedule_resources
from deployment.build.schedule_resources import ScheduleGroup, group_of
from deployment.console import Console
from deployment.schedules import reconcile, scheduler
from deployment.schedules.reconcile import ScheduleChange
from deployment.schedules.schedule import DISABLED, ENABLED, Schedule, wanted_schedules
from deployment.step_functions.executions import name_to_start
from deployment.step_functions.listing import Machine, base_and_moment

NOT_MADE_YET = "the state machine that this deployment makes"
"""In the place of an ARN that nobody knows before."""
_NO_GROUP = ScheduleGroup("", "", "", "")


@dataclass(frozen=True)
class KnownSchedule:
    """What the list of schedules tells of one; from the moment when it was made, a `rate` counts."""

    is_paused: bool
    made_at: datetime
    machine_arn: str


def target_name(installation: Installation, names: Iterable[str]) -> str | None:
    """Return the machine, without timestamp, that the schedules start; None where there are none.

    `names` are those of all machines. Raises ExecutionFailed where it cannot be told which of them syncs.
    """
    if not schedule_resources.are_needed(installation.settings):
        return None
    return name_to_start(frozenset(names))


def bring_up_to_date(
    installation: Installation, outputs: Mapping[str, str], machines: Sequence[Machine], console: Console
) -> tuple[ScheduleChange, ...]:
    """Make, change and delete schedules until they are those of the configuration; return what was done.

    `machines` are the current ones, of which one is started.
    """
    group = group_of(outputs)
    if group is None:
        return ()
    arns = {base: machine.arn for machine in machines if (base := _base(machine.name))}
    target = target_name(installation, arns)
    if target is None:
        return ()
    changes = plan_changes(installation, group, arns[target])
    _carry_out(installation, group, changes, console)
    return changes


def plan_changes(
    installation: Installation, group: ScheduleGroup, machine_arn: str
) -> tuple[ScheduleChange, ...]:
    """Return what has to change for the schedules of this group to start this machine; only reads."""
    wanted = wanted_schedules(installation.settings.syncs, group, machine_arn)
    return reconcile.reconcile(wanted, scheduler.read_all(installation, group.name))


def foresee(
    installation: Installation, outputs: Mapping[str, str], machines: Mapping[str, str | None]
) -> tuple[ScheduleChange, ...]:
    """Return what a deployment would do; only reads. `outputs` are those of the stack as it is, none where there is no stack.

    `machines` has the ARN of every machine that will be the current one, None of those that are not made yet.
    """
    group = group_of(outputs)
    target = target_name(installation, machines)
    arn = (machines[target] if target else None) or NOT_MADE_YET
    if group:
        return plan_changes(installation, group, arn)
    return reconcile.reconcile(wanted_schedules(installation.settings.syncs, _NO_GROUP, arn), ())


@dataclass(frozen=True)
class Repointed:
    """A schedule that starts another machine now; one that is paused starts it once it is resumed."""

    name: str
    is_paused: bool


def repoint(
    installation: Installation, outputs: Mapping[str, str], machine: Machine
) -> tuple[Repointed, ...]:
    """Let the schedules that start machines of this one's name start this one; return which of them have changed.

    `outputs` are those of the stack. All else of a schedule, its pause too, stays as it is.
    """
    group = group_of(outputs)
    if group is None:
        return ()
    names = (str(record["Name"]) for record in scheduler.summaries(installation, group.name))
    found = (scheduler.read(installation, group.name, name) for name in names)
    old = [one for one in found if one and _is_older(one["Target"]["Arn"], machine)]
    for schedule in old:
        changed = {**schedule, "Target": {**schedule["Target"], "Arn": machine.arn}}
        scheduler.write_back(installation, changed)
    return tuple(Repointed(str(schedule["Name"]), schedule["State"] == DISABLED) for schedule in old)


def delete_all(installation: Installation, outputs: Mapping[str, str]) -> tuple[str, ...]:
    """Delete all schedules of a stack, so that none starts anything any more; return their names."""
    group = group_of(outputs)
    if group is None:
        return ()
    names = tuple(states(installation, outputs))
    for name in names:
        scheduler.delete(installation, group.name, name)
    return names


def known(installation: Installation, outputs: Mapping[str, str]) -> dict[str, KnownSchedule]:
    """Return the schedules of a stack with these outputs, by the names of their syncs: a List, and nothing where it has none."""
    group = group_of(outputs)
    found = scheduler.summaries(installation, group.name) if group else []
    return {
        str(record["Name"]): KnownSchedule(
            record["State"] == DISABLED, record["CreationDate"], str(record["Target"]["Arn"])
        )
        for record in found
    }


def details(
    installation: Installation, outputs: Mapping[str, str], names: Iterable[str]
) -> dict[str, Schedule]:
    """Return the schedules of these names as they are deployed: a Get for each, and nothing where that is denied."""
    group = group_of(outputs)
    try:
        found = scheduler.read_named(installation, group.name, list(names)) if group else ()
    except ClientError as error:
        if not is_denied(error):
            raise
        return {}
    return {schedule.name: schedule for schedule in found}


def states(installation: Installation, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return ENABLED or DISABLED of every schedule of a stack with these outputs, by the names of their syncs."""
    found = known(installation, outputs)
    return {name: DISABLED if schedule.is_paused else ENABLED for name, schedule in found.items()}


def scheduled_machines(installation: Installation, outputs: Mapping[str, str]) -> frozenset[str]:
    """Return the ARNs of the machines that the schedules of a stack start."""
    return frozenset(schedule.machine_arn for schedule in known(installation, outputs).values())


def _is_older(arn: str, machine: Machine) -> bool:
    return arn != machine.arn and _base(arn.rpartition(":")[2]) == _base(machine.name)


def _base(machine_name: str) -> str | None:
    parts = base_and_moment(machine_name)
    return parts[0] if parts else None


def _carry_out(
    installation: Installation, group: ScheduleGroup, changes: Iterable[ScheduleChange], console: Console
) -> None:
    for change in changes:
        if change.action == "delete":
            scheduler.delete(installation, group.name, change.name)
        elif change.action == "create" and change.wanted:
            scheduler.create(installation, group.name, change.wanted, console)
        elif change.action == "update" and change.wanted:
            scheduler.update(installation, group.name, change.wanted, console)
