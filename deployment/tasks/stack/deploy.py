"""`fab` and `fab plan`: brings the account up to date with this folder, or says what that would do.

The pipeline, a line a step. Each step has a half that only reads, of which `fab plan` is made; `fab deploy --ask` shows that
plan first. At the end it says what was done, and how to start the state machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deployment.aws.account import state_machine_link
from deployment.aws.installation import Installation
from deployment.build import bucket_access, build, schedule_resources
from deployment.build.bucket_access import NOTHING_TAKEN, TakenAway
from deployment.build.build import BuiltProject, Sources
from deployment.build.notices import notice_resources
from deployment.cloudformation import deployment_bucket, lookup, stack
from deployment.cloudformation.lookup import CurrentStack
from deployment.cloudformation.stack import DeployedStack
from deployment.console import Console, require_terminal, require_yes
from deployment.errors import StackError
from deployment.project.settings import Settings
from deployment.step_functions import callers, listing, state_machines
from deployment.step_functions.listing import Machine
from deployment.syncs import overlaps
from deployment.text import listed, quantity

if TYPE_CHECKING:
    from deployment.plan.plan import DeploymentPlan
    from deployment.schedules.reconcile import ScheduleChange

_NOTHING_DEPLOYED = "Nothing was deployed:"
MAX_NAMED = 5
"""How many running executions are named."""


def deploy(
    installation: Installation, sources: Sources, console: Console, ask: bool = False, yes: bool = False
) -> None:
    """Bring the stack and the state machines of one account and region up to date with these sources.

    Unless `yes`, asks before it takes buckets away from the functions while executions are RUNNING.
    """
    _require_target(installation, sources)
    warn_of_overlaps(installation.settings, console)
    built = build_project(installation, sources)
    if ask and not confirm(console, _plan(installation, built)):
        return
    present = lookup.read_deployable(installation, built.template)
    if not yes:
        confirm_loss(installation, _taken_away(installation, built, present), console)
    uploaded = [] if present.is_up_to_date else deployment_bucket.upload(installation, built.bundles)
    deployed = stack.deploy(
        installation, built.template, present, console, lambda lost: require_idle(installation, lost)
    )
    current = state_machines.create_all(
        installation, built.definitions, built.functions, deployed.outputs, console
    )
    schedules = _bring_schedules_up_to_date(installation, deployed, current, console)
    console.result(ending(installation, uploaded, deployed, current, schedules))


def plan(
    installation: Installation,
    sources: Sources,
    console: Console,
    as_json: bool = False,
    fail_on_changes: bool = False,
) -> None:
    """Say what `deploy` would do."""
    from deployment.plan import view  # `fab` does without, and loads faster

    view.show(console, _plan(installation, build_project(installation, sources)), as_json, fail_on_changes)


def require_terminal_to_ask(console: Console) -> None:
    """Raise Declined where `--ask` was given and nobody can be asked, before anything else is done."""
    require_terminal(console, _NOTHING_DEPLOYED, "To deploy without asking, leave out --ask: fab deploy")


def warn_of_overlaps(settings: Settings, console: Console) -> None:
    """Say which syncs may undo each other; what is certain to is a mistake of the configuration."""
    for note in overlaps.find(settings.syncs).notes:
        console.warning(note)


def confirm(console: Console, plan: DeploymentPlan) -> bool:
    """Show a plan as `fab plan` does and ask for it; False, and no question, where there is nothing to do.

    Raises Declined when the answer is not yes, StackError when the stack cannot be deployed in its status.
    """
    from deployment.plan import view

    if plan.obstacle:
        raise StackError(plan.obstacle)
    view.show_text(console, plan)
    if plan.refusal:
        raise StackError(plan.refusal)
    if plan.would_change:
        require_yes(console, f"Deploy this to {plan.installation.place}?", _NOTHING_DEPLOYED)
    return plan.would_change


def confirm_loss(installation: Installation, taken: TakenAway, console: Console) -> None:
    """Ask whether the functions may lose buckets while executions are RUNNING; raise Declined unless the answer is yes.

    Where nothing is lost, nobody is asked and AWS neither.
    """
    running = listing.running(installation, listing.list_all(installation).ours) if taken else ()
    if not running:
        return
    names = [arn.rpartition(":")[2] for arn in running]
    console.say(
        f"After this the functions {taken}, by their policies, and {quantity(len(running), 'execution')} "
        f"{'is' if len(running) == 1 else 'are'} RUNNING: {listed(names, MAX_NAMED)}. One that works on such a bucket will fail."
    )
    require_terminal(console, _NOTHING_DEPLOYED, "To deploy all the same: fab deploy --yes")
    require_yes(console, "Deploy all the same?", _NOTHING_DEPLOYED)


def require_idle(installation: Installation, functions: Sequence[str]) -> None:
    """Raise StackError while an execution runs that calls one of these functions, which are about to be deleted."""
    refused = callers.refusal(installation, callers.find(installation, functions))
    if refused:
        raise StackError(refused)


def build_project(installation: Installation, sources: Sources) -> BuiltProject:
    """Return what is deployed: the name of the deployment bucket stands in the template."""
    return build.build_project(sources, installation.settings, deployment_bucket.bucket_name(installation))


def ending(
    installation: Installation,
    uploaded: Sequence[str],
    deployed: DeployedStack,
    current: Sequence[Machine],
    schedules: Sequence[ScheduleChange] = (),
) -> str:
    """Return the last words of `fab`: where, what has changed, each machine with its link, and how to start a sync."""
    lines = [installation.full_place, "", *_change_lines(uploaded, deployed, current, schedules)]
    lines += _mail_lines(installation.settings, deployed)
    for machine in current:
        lines += ["", machine.name, f"  {state_machine_link(machine.arn)}"]
    return "\n".join([*lines, *_start_lines(installation.settings, current)])


def _taken_away(installation: Installation, built: BuiltProject, present: CurrentStack) -> TakenAway:
    """Return which buckets the functions would lose; the deployed template is read only where some are named."""
    settings = installation.settings
    names_some = bool(settings.source_buckets or settings.destination_buckets)
    if present.is_up_to_date or present.description is None or not names_some:
        return NOTHING_TAKEN
    deployed = lookup.readable_template(installation, present.description)
    return bucket_access.compare(deployed, built.template)


def _require_target(installation: Installation, sources: Sources) -> None:
    """Raise ExecutionFailed where there are schedules and no machine for them, before anything is done."""
    if schedule_resources.are_needed(installation.settings):
        from deployment.schedules import steps  # without schedules `fab` does without, and loads faster

        steps.target_name(installation, [spec.name for spec in sources.definitions])


def _bring_schedules_up_to_date(
    installation: Installation, deployed: DeployedStack, current: Sequence[Machine], console: Console
) -> tuple[ScheduleChange, ...]:
    if not schedule_resources.are_needed(installation.settings):
        return ()
    from deployment.schedules import steps

    return steps.bring_up_to_date(installation, deployed.outputs, current, console)


def _plan(installation: Installation, built: BuiltProject) -> DeploymentPlan:
    from deployment.plan import plan as planning

    return planning.make(installation, built)


def _change_lines(
    uploaded: Sequence[str],
    deployed: DeployedStack,
    current: Sequence[Machine],
    schedules: Sequence[ScheduleChange],
) -> list[str]:
    created = [machine.name for machine in current if machine.created]
    changed = any(change.action != "none" for change in schedules)
    if not (uploaded or deployed.changed or deployed.protection_changed or created or changed):
        return ["Nothing to do: everything is up to date."]
    stack = _count_or_no(len(deployed.changes), "change") if deployed.changed else "unchanged"
    protection = ", but for its termination protection" if deployed.protection_changed else ""
    return [
        f"Uploaded: {_count_or_no(len(uploaded), 'zip')}",
        f"Stack: {stack}{protection if not deployed.changed else ''}",
        f"State machine: {', '.join(created) + ' created' if created else 'unchanged'}",
        *([f"Schedules: {_schedule_words(schedules)}"] if schedules else []),
    ]


def _mail_lines(settings: Settings, deployed: DeployedStack) -> list[str]:
    """Who has got a mail by this deployment that has to be answered before any other comes."""
    added = {change.logical_id for change in deployed.changes if change.action == "Add"}
    new = [address for logical_id, address in notice_resources.mails(settings).items() if logical_id in added]
    if not new:
        return []
    return [
        f"Notices: AWS has sent a mail to {listed(new, MAX_NAMED)}. Its link has to be followed before any notice comes; "
        "`fab status` names who has not done so."
    ]


def _schedule_words(schedules: Sequence[ScheduleChange]) -> str:
    """`2 created, 1 changed, 1 removed, gone with its pause: photos`, or `unchanged`."""
    words = []
    for action, done in (("create", "created"), ("update", "changed"), ("delete", "removed")):
        number = sum(change.action == action for change in schedules)
        words += [f"{number} {done}"] if number else []
    lost = [change.name for change in schedules if change.action == "delete" and change.is_paused]
    words += [f"gone with its pause: {name}" for name in lost]
    return ", ".join(words) or "unchanged"


def _start_lines(settings: Settings, current: Sequence[Machine]) -> list[str]:
    """How to start a sync, with the machine's name where others were deployed with it; nothing where none of them syncs."""
    name = _machine_to_start(current)
    if not name:
        return []
    given, typed = _example(settings)
    return [
        "",
        f"Start {name} with this input:",
        json.dumps(given, ensure_ascii=False),
        "or from here, at first only to see what it would do:",
        f"{typed} --dry-run",
        typed,
    ]


def _example(settings: Settings) -> tuple[Mapping[str, Any], str]:
    """Return an input to start with, and the command that does: the first sync of SYNCS with all of its options, if any."""
    if settings.syncs:
        return settings.syncs[0].input, f"fab sync {settings.syncs[0].name}"
    source = next(iter(settings.source_buckets), "my-source-bucket")
    destination = next(iter(settings.destination_buckets), "my-destination-bucket")
    return {"source": source, "destination": destination}, f"fab sync {source} {destination}"


def _machine_to_start(current: Sequence[Machine]) -> str:
    """Return what the machine that syncs is called in a sentence, "" where nobody can tell which one that is."""
    if len(current) == 1:
        return "it"
    from deployment.step_functions.executions import STATE_MACHINE  # most have one machine, and load faster

    named = ((listing.base_and_moment(machine.name), machine.name) for machine in current)
    return next((name for parts, name in named if parts and parts[0] == STATE_MACHINE), "")


def _count_or_no(number: int, thing: str) -> str:
    return quantity(number, thing) if number else f"no {thing}s"
