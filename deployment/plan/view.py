"""A plan as a person reads it, and as one JSON document for a machine. Text only, no AWS call.

The document's form is described in docs/planning.md; `FORMAT_VERSION` changes when a reader would have to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from deployment.build.logical_ids import source_of
from deployment.build.notices import notice_resources
from deployment.cloudformation.changes import Change, PropertyChange
from deployment.console import Console
from deployment.errors import ChangesFound
from deployment.plan import rows as plan_rows
from deployment.plan import schedule_lines
from deployment.plan.definition_diff import MachinePlan
from deployment.plan.plan import DeploymentPlan
from deployment.project.yaml_writing import plain_yaml
from deployment.step_functions import callers
from deployment.step_functions.callers import Loss
from deployment.syncs import overlaps
from deployment.text import listed, quantity, unified_diff

FORMAT_VERSION = 1
MAX_NAMED = 5
COLUMNS = ("resource", "change", "what")


def show(console: Console, plan: DeploymentPlan, as_json: bool, fail_on_changes: bool) -> None:
    """Write the plan to stdout; raise ChangesFound if asked to and anything would change."""
    if as_json:
        console.result(json.dumps(document(plan), indent=2))
    else:
        show_text(console, plan)
        if plan.would_change and not plan.obstacle:
            console.say(f"\n{plan.refusal or 'Nothing has been changed. To do this: fab'}")
    if fail_on_changes and plan.would_change:
        raise ChangesFound("`fab` would change something, and --fail-on-changes was given.")


def document(plan: DeploymentPlan) -> dict[str, Any]:
    """Return the plan as JSON values."""
    return {
        "formatVersion": FORMAT_VERSION,
        **plan.installation.to_json(),
        "stackStatus": plan.status,
        "wouldChange": plan.would_change,
        "obstacle": plan.obstacle,
        "replacesLeftover": plan.replaces_leftover,
        "deploymentBucket": {"name": plan.bucket, "action": "create" if plan.creates_bucket else "none"},
        "uploads": list(plan.uploads),
        "resources": [_resource(change, plan) for change in plan.changes],
        "resourcesFrom": "changeSet" if plan.is_previewed else "template",
        "settings": [_property(prop) for prop in plan.settings],
        "stateMachines": [_machine(machine) for machine in plan.machines],
        "schedules": schedule_lines.documents(plan.schedules),
        "lostFunctions": _loss(plan.loss),
        "lostBuckets": {"read": list(plan.taken.read), "write": list(plan.taken.write)},
        "missingBuckets": [
            {"bucket": bucket, "syncs": list(names)} for bucket, names in plan.missing_buckets.items()
        ],
        "refusal": plan.refusal,
    }


def head(plan: DeploymentPlan) -> list[str]:
    """Return where, and in which state the stack is."""
    place = plan.installation.full_place
    if plan.obstacle:
        return [place, "", plan.obstacle, "What `fab` would do afterwards is not known before."]
    if plan.replaces_leftover:
        return [
            place,
            "",
            f"The stack was never created ({plan.status}): `fab` removes what is left of it and creates it again.",
        ]
    return [place, "", "The stack does not exist yet: everything is new." if plan.status is None else ""]


def notes(plan: DeploymentPlan) -> list[str]:
    """Return what is no resource of the stack, a line each: bucket, zips, settings of the stack, older versions."""
    kept = plan_rows.kept_versions(plan.changes)
    versions = f"{quantity(kept, 'older version')} {'stays' if kept == 1 else 'stay'} in Lambda"
    followers = plan_rows.followers(plan.changes, plan.sources)
    return [
        *(
            [f"Checked again, only because they refer to what changes: {', '.join(followers)}"]
            if followers
            else []
        ),
        *([f"Deployment bucket: {plan.bucket} would be created."] if plan.creates_bucket else []),
        *(["Uploads:", *(f"  {key}" for key in plan.uploads)] if plan.uploads else []),
        *(f"Stack: {_setting(prop)}" for prop in plan.settings),
        *([f"Versions: {versions}, for older state machines."] if kept else []),
        *_loss_lines(plan.loss),
        *([f"Buckets: the functions {plan.taken}."] if plan.taken else []),
        *(f"Notices: {note}" for note in notice_resources.notes(plan.installation.settings)),
    ]


def _loss_lines(loss: Loss) -> list[str]:
    """Return which functions go, and which machines and executions would lose them, a line each."""
    if not loss.functions:
        return []
    known = [caller for caller in loss.callers if not caller.problem]
    return [
        f"Deleted: {callers.function_names(loss.functions)}."
        + (
            " These can no longer be started:"
            if known
            else ""
            if loss.unknown
            else " No state machine calls it."
        ),
        *(callers.line(caller) for caller in known),
        *(["Not known whether they call it:", *callers.unknown_lines(loss)] if loss.unknown else []),
    ]


def machine_lines(machine: MachinePlan) -> Iterator[str]:
    """Yield what becomes of a state machine; the diff is not among it."""
    if machine.newest is None:
        yield f"State machine: {machine.name} would be created."
        return
    if machine.action == "retire":
        yield f"State machine: {machine.newest} is no longer the current one: no file has the name {machine.name} any more."
        return
    if machine.action == "none":
        yield f"State machine: {machine.newest} stays."
        return
    yield f"State machine: a new {machine.name} beside {machine.newest}."
    if machine.versions:
        changes = ", ".join(f"{name} {now} -> {then}" for name, now, then in machine.versions)
        yield f"  versions: {changes}"
    if machine.role_changes:
        yield "  role: new"


def show_text(console: Console, plan: DeploymentPlan) -> None:
    """Write the plan to stdout without what to do next: whoever is about to be asked need not type anything else."""
    console.say("\n".join(head(plan)).rstrip())
    if plan.obstacle:
        return
    if not plan.would_change:
        console.say("\n".join(["", "Nothing to do: everything is up to date.", *sync_lines(plan)]))
        return
    rows = plan_rows.rows(plan.changes, plan.sources)
    console.say("" if rows else "\nThe stack's resources stay as they are.")
    if rows:
        styles = ["bold red" if row.is_destructive else "" for row in rows]
        console.table("", COLUMNS, [[row.name, row.word, row.what] for row in rows], styles)
    _show_access(console, plan)
    console.say("\n".join(["", *notes(plan)]) if notes(plan) else "")
    for machine in plan.machines:
        console.say("\n".join(machine_lines(machine)))
        console.diff(machine.diff)
    for line in sync_lines(plan):
        console.say(line)


def sync_lines(plan: DeploymentPlan) -> list[str]:
    """Return what becomes of the schedules, a line each, and what a sync of SYNCS would stumble over."""
    return [
        *schedule_lines.lines(plan.schedules),
        *(f"Note: {note}" for note in overlaps.find(plan.installation.settings.syncs).notes),
        *(
            f"Buckets: there is no bucket {bucket} (S3 answers 404), which SYNCS names ({listed(names, MAX_NAMED)}). Check the "
            "name, or create the bucket."
            for bucket, names in plan.missing_buckets.items()
        ),
    ]


def _show_access(console: Console, plan: DeploymentPlan) -> None:
    """Write the long values of what is about access as diffs: who may do what should be read before."""
    for title, before, after in plan_rows.long_values(plan.changes, plan.sources):
        console.say(f"\n{title}")
        console.diff("\n".join(unified_diff(_yaml(before), _yaml(after), "", "").splitlines()[2:]))


def _yaml(value: Any) -> str:
    return "" if value is None else plain_yaml(value, width=10_000)


def _setting(prop: PropertyChange) -> str:
    if prop.path == "TerminationProtection":
        return f"termination protection {'on' if prop.after else 'off'}"
    if prop.path == "Outputs":
        return f"outputs {_names(prop.before)} -> {_names(prop.after)}"
    return f"tags {_tags(prop.before.items())} -> {_tags(prop.after.items())}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _tags(tags: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in tags) or "none"


def _resource(change: Change, plan: DeploymentPlan) -> dict[str, Any]:
    return {
        "action": plan_rows.word_of(change),
        "logicalId": change.logical_id,
        "type": change.resource_type,
        "source": source_of(change.logical_id, plan.sources),
        "properties": [_property(prop) for prop in change.properties],
    }


def _property(prop: PropertyChange) -> dict[str, Any]:
    values = {
        "before": plan_rows.parse_json(prop.before),
        "after": plan_rows.parse_json(prop.after),
    }
    cause = {"cause": prop.cause} if prop.cause else {}
    return {"path": prop.path, **(values if prop.values_known else {}), **cause}


def _loss(loss: Loss) -> dict[str, Any]:
    return {
        "functions": list(loss.functions),
        "callers": [
            {
                "name": caller.machine,
                "functions": list(caller.functions),
                "running": list(caller.running),
                "problem": caller.problem or None,
            }
            for caller in loss.callers
        ],
    }


def _machine(machine: MachinePlan) -> dict[str, Any]:
    return {
        "name": machine.name,
        "action": machine.action,
        "newest": machine.newest,
        "diff": machine.diff,
        "versions": [
            {"function": name, "before": now, "after": then} for name, now, then in machine.versions
        ],
        "roleChanges": machine.role_changes,
    }
