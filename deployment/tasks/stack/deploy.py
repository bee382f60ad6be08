"""`fab` and `fab plan`: brings the account up to date with this folder, or says what that would do.

The pipeline, a line a step. Each step has a half that only reads, of which `fab plan` is made; `fab deploy --ask` shows that
plan first. At the end stands what was done, and how to start the state machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from deployment.aws.account import state_machine_link
from deployment.aws.installation import Installation
from deployment.build import build as building
from deployment.build.build import BuiltProject, Sources
from deployment.cloudformation import deployment_bucket, lookup, stack
from deployment.cloudformation.stack import Stack
from deployment.console import Console
from deployment.project.settings import Settings
from deployment.step_functions import state_machines
from deployment.step_functions.listing import Machine
from deployment.text import counted


def deploy(installation: Installation, sources: Sources, console: Console, ask: bool = False) -> None:
    """Bring the stack and the state machines of one account and region up to date with these sources."""
    built = build(installation, sources)
    if ask and not _is_wanted(installation, built, console):
        return
    present = lookup.look(installation, built.template)
    uploaded = [] if present.is_as_wanted else deployment_bucket.upload(installation, built.bundles)
    deployed = stack.deploy(installation, built.template, present, console)
    current = state_machines.create_all(
        installation, built.definitions, built.functions, deployed.outputs, console
    )
    console.result(ending(installation, uploaded, deployed, current))


def plan(
    installation: Installation,
    sources: Sources,
    console: Console,
    as_json: bool = False,
    fail_on_changes: bool = False,
) -> None:
    """Say what `deploy` would do."""
    from deployment.plan import plan as planning  # not needed by `fab`, and slow to import
    from deployment.plan import view

    view.show(console, planning.make(installation, build(installation, sources)), as_json, fail_on_changes)


def demand_terminal(console: Console) -> None:
    """Raise Declined where `--ask` was given and nobody can be asked, before anything else is done."""
    from deployment.plan import view

    view.demand_terminal_for_deployment(console)


def build(installation: Installation, sources: Sources) -> BuiltProject:
    """Return what is deployed: the name of the deployment bucket stands in the template."""
    return building.build(sources, installation.settings, deployment_bucket.bucket_name(installation))


def ending(
    installation: Installation, uploaded: Sequence[str], deployed: Stack, current: Sequence[Machine]
) -> str:
    """Return the last words of `fab`: where, what has changed, each machine with its link, and how to start a sync."""
    lines = [installation.full_place, "", *_news(uploaded, deployed, current)]
    for machine in current:
        lines += ["", machine.name, f"  {state_machine_link(machine.arn)}"]
    return "\n".join([*lines, "", *_start(installation.settings)])


def _is_wanted(installation: Installation, built: BuiltProject, console: Console) -> bool:
    """Show the plan and ask; False where there is nothing to do, Declined raised where the answer is no."""
    from deployment.plan import plan as planning
    from deployment.plan import view

    return view.is_deployment_wanted(console, planning.make(installation, built))


def _news(uploaded: Sequence[str], deployed: Stack, current: Sequence[Machine]) -> list[str]:
    created = [machine.name for machine in current if machine.created]
    if not (uploaded or deployed.changed or deployed.protection_changed or created):
        return ["Nothing to do: everything is as it should be."]
    stack = _counted(len(deployed.changes), "change") if deployed.changed else "unchanged"
    protection = ", but for its termination protection" if deployed.protection_changed else ""
    return [
        f"Uploaded: {_counted(len(uploaded), 'zip')}",
        f"Stack: {stack}{protection if not deployed.changed else ''}",
        f"State machine: {', '.join(created) + ' created' if created else 'unchanged'}",
    ]


def _start(settings: Settings) -> list[str]:
    source = next(iter(settings.source_buckets), "my-source-bucket")
    destination = next(iter(settings.destination_buckets), "my-destination-bucket")
    return [
        "Start it with this input:",
        f'{{"source": "{source}", "destination": "{destination}"}}',
        "or from here:",
        f"fab sync --source {source} --destination {destination}",
    ]


def _counted(number: int, thing: str) -> str:
    return counted(number, thing) if number else f"no {thing}s"
