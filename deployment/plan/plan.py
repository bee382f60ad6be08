"""What `fab` would do, found out without doing it: `fab plan`.

The pipeline, stopped before it acts. Every step has a half that only reads, which `fab` uses too: `lookup.find` and
`obstacle`, `deployment_bucket.find_missing`, `change_sets.create`, `state_machines.render_all`. Of those only an update's
change set is more than reading; it is deleted before this returns. Nothing else is made: of a stack that does not exist
yet everything is new, which the template alone tells, and a template too long to be sent in a call is compared with the
deployed one.

A change set refers to zips that may not have been uploaded yet. CloudFormation does not look for them before it makes a
function of them: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployment.aws import bucket_facts
from deployment.aws.installation import Installation
from deployment.build import bucket_access
from deployment.build.bucket_access import NOTHING_TAKEN, TakenAway
from deployment.build.build import BuiltProject
from deployment.cloudformation import change_sets, deployment_bucket, lookup
from deployment.cloudformation.changes import (
    Change,
    PropertyChange,
    compare_templates,
    lost_functions,
    with_values,
)
from deployment.errors import StackError
from deployment.plan import definition_diff
from deployment.plan.definition_diff import MachinePlan
from deployment.project.settings import Settings
from deployment.project.tags import own_tags, tags_of
from deployment.schedules import steps as schedule_steps
from deployment.schedules.reconcile import ScheduleChange
from deployment.step_functions import callers
from deployment.step_functions.callers import NOTHING_LOST, Loss


@dataclass(frozen=True)
class DeploymentPlan:
    """What `fab` would do.

    `status` is the stack's, None where there is none. `obstacle` is why `fab` would stop, and what to do; what it would do
    afterwards is not known then. `replaces_leftover` is for a stack that was never created and would be created again.
    `is_previewed` tells CloudFormation's own preview from our comparison of templates, which knows no replacements.
    `sources` are the resources of the deployed and the wanted template, for their files. `loss` has the functions that go,
    and what calls them now, `taken` the buckets that leave the functions' policies. `missing_buckets` are those of SYNCS that do
    not exist, each with the names of its syncs.
    """

    installation: Installation
    status: str | None
    obstacle: str | None
    replaces_leftover: bool
    bucket: str
    creates_bucket: bool
    uploads: tuple[str, ...]
    changes: tuple[Change, ...]
    is_previewed: bool
    settings: tuple[PropertyChange, ...]
    machines: tuple[MachinePlan, ...]
    sources: Mapping[str, Any]
    loss: Loss = NOTHING_LOST
    taken: TakenAway = NOTHING_TAKEN
    schedules: tuple[ScheduleChange, ...] = ()
    missing_buckets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def refusal(self) -> str | None:
        """Why `fab` would refuse this now, although the stack could be deployed; None where it would not."""
        return callers.refusal(self.installation, self.loss)

    @property
    def would_change(self) -> bool:
        """Whether anything would change; what is not known counts as a change."""
        return bool(
            self.obstacle
            or self.replaces_leftover
            or self.creates_bucket
            or self.uploads
            or self.changes
            or self.settings
            or any(machine.action != "none" for machine in self.machines)
            or any(schedule.action != "none" for schedule in self.schedules)
        )


def make(installation: Installation, built: BuiltProject) -> DeploymentPlan:
    """Return what a deployment of `built` would do, and leave nothing behind.

    Raises StackError when CloudFormation refuses the template or the stack is somebody else's, DeploymentBucketError when
    the bucket is.
    """
    description = lookup.find(installation)
    obstacle = lookup.obstacle(installation, description)
    is_leftover = lookup.is_leftover(description)
    base = None if is_leftover else description
    deployed_template = change_sets.deployed_template(installation, base) if base else None
    is_kept = bool(obstacle) or _is_up_to_date(installation, built, base, deployed_template)
    missing = (
        deployment_bucket.NOTHING_MISSING
        if is_kept
        else deployment_bucket.find_missing(installation, built.bundles)
    )
    changes, is_previewed = ((), False) if is_kept else _changes(installation, built, base, deployed_template)
    machines = () if obstacle else _machines(installation, built, base, changes)
    return DeploymentPlan(
        installation=installation,
        status=description["StackStatus"] if description else None,
        obstacle=obstacle,
        replaces_leftover=is_leftover,
        bucket=deployment_bucket.bucket_name(installation),
        creates_bucket=not missing.bucket_exists,
        uploads=tuple(missing.keys),
        changes=changes,
        is_previewed=is_previewed,
        settings=()
        if obstacle
        else (*_settings(installation.settings, base), *_outputs(deployed_template, built.template)),
        machines=machines,
        schedules=() if obstacle else _schedules(installation, base, machines),
        missing_buckets={} if obstacle else _missing_buckets(installation),
        taken=NOTHING_TAKEN if is_kept else bucket_access.compare(deployed_template, built.template),
        loss=callers.find(installation, lost_functions(changes, deployed_template or {})),
        sources={
            "Resources": {**(deployed_template or {}).get("Resources", {}), **built.template["Resources"]}
        },
    )


def _is_up_to_date(
    installation: Installation,
    built: BuiltProject,
    base: Mapping[str, Any] | None,
    old: Mapping[str, Any] | None,
) -> bool:
    return base is not None and change_sets.is_deployed(installation, built.template, base, old)


def _changes(
    installation: Installation,
    built: BuiltProject,
    base: Mapping[str, Any] | None,
    old: Mapping[str, Any] | None,
) -> tuple[tuple[Change, ...], bool]:
    """Return what happens to the resources, and whether CloudFormation says so or we do."""
    if base is None:
        return compare_templates({}, built.template), False
    if not change_sets.can_be_sent(built.template):
        if old is None:
            raise StackError(
                f"The template of the stack {installation.stack_name} is too long to be sent without an upload, and the deployed "
                "one cannot be read to compare them. Allow cloudformation:GetTemplate."
            )
        return compare_templates(old, built.template), False
    change_set = change_sets.create(installation, built.template, False)
    if change_set is None:
        return (), True
    change_sets.discard(installation, change_set)
    return with_values(change_set.changes, compare_templates(old or {}, built.template)), True


def _settings(settings: Settings, base: Mapping[str, Any] | None) -> tuple[PropertyChange, ...]:
    """Return what changes of the stack itself; the tags of a new one are no change."""
    changes = []
    if lookup.protection_differs(settings, base):
        changes.append(
            PropertyChange(
                "TerminationProtection", lookup.is_protected(base), settings.termination_protection
            )
        )
    tags = own_tags(base)
    if base is not None and tags != tags_of(settings):
        changes.append(PropertyChange("Tags", tags, tags_of(settings)))
    return tuple(changes)


def _outputs(old: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> tuple[PropertyChange, ...]:
    """Return how the outputs' names change; a change set is silent about outputs, and may have no other change."""
    before, after = (sorted((template or {}).get("Outputs", ())) for template in (old, wanted))
    return (PropertyChange("Outputs", before, after),) if old and before != after else ()


def _machines(
    installation: Installation, built: BuiltProject, base: Mapping[str, Any] | None, changes: Sequence[Change]
) -> tuple[MachinePlan, ...]:
    if base is None:
        return tuple(MachinePlan(spec.name, "create") for spec in built.definitions)
    present = lookup.outputs_of(base)
    outputs = definition_diff.expected_outputs(
        installation, built.functions, built.template, present, changes
    )
    left = (lookup.machine_names(present) or frozenset()) - {spec.name for spec in built.definitions}
    return (
        *definition_diff.plan_machines(installation, built.definitions, built.functions, outputs),
        *definition_diff.retired_machines(installation, left),
    )


def _schedules(
    installation: Installation, base: Mapping[str, Any] | None, machines: Sequence[MachinePlan]
) -> tuple[ScheduleChange, ...]:
    arns = {
        machine.name: installation.states_arn("stateMachine", str(machine.newest))
        if machine.action == "none"
        else None
        for machine in machines
        if machine.action != "retire"
    }
    return schedule_steps.foresee(installation, lookup.outputs_of(base), arns)


def _missing_buckets(installation: Installation) -> dict[str, list[str]]:
    """Return the buckets of SYNCS that S3 says do not exist, each with the names of its syncs; without SYNCS it is not asked."""
    users: dict[str, list[str]] = {}
    for sync in installation.settings.syncs:
        for bucket in dict.fromkeys((sync.input["source"], sync.input["destination"])):
            users.setdefault(bucket, []).append(sync.name)
    return (
        {bucket: users[bucket] for bucket in bucket_facts.find_missing(installation, users)} if users else {}
    )
