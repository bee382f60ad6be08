"""`fab pause` and `fab resume`: whether the schedule of a sync starts anything.

The state is kept at the schedule in AWS and nowhere else. Deployments, `fab rollback` and changes of the entry in SYNCS carry
it over, so that what is paused stays so until somebody resumes it. An execution that runs is not stopped.
"""

from __future__ import annotations

from typing import Any

from deployment.aws.installation import Installation
from deployment.build.schedule_resources import group_of
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ConfigurationError
from deployment.schedules import scheduler
from deployment.schedules.schedule import DISABLED, ENABLED
from deployment.text import did_you_mean


def pause(installation: Installation, name: str | None, console: Console) -> None:
    """Let the schedule of a sync start nothing any more.

    `name` may be left out where one sync only has a schedule; raise ConfigurationError when it is not clear which is meant, or
    when there is no schedule of that name.
    """
    name = name or _only_name(installation, "pause")
    if _set_state(installation, name, DISABLED):
        console.say(f"{name} is paused: its schedule starts nothing until `fab resume {name}`.")
        console.say("It stays so through deployments. An execution that runs goes on; `fab stop` ends it.")
    else:
        console.say(f"Nothing to do: {name} is paused already.")


def resume(installation: Installation, name: str | None, console: Console) -> None:
    """Let the schedule of a sync start it again; arguments and errors as of `pause`."""
    name = name or _only_name(installation, "resume")
    if _set_state(installation, name, ENABLED):
        console.say(
            f"{name} is resumed. What was missed is not made up for: `fab sync {name}` starts it now."
        )
    else:
        console.say(f"Nothing to do: {name} is not paused.")


def _only_name(installation: Installation, task: str) -> str:
    names = [sync.name for sync in installation.settings.syncs if sync.schedule]
    if len(names) == 1:
        return names[0]
    known = f"With a schedule: {', '.join(names)}." if names else "SYNCS has no sync with a schedule."
    raise ConfigurationError(f"Say which sync is meant: fab {task} NAME. {known}")


def _set_state(installation: Installation, name: str, state: str) -> bool:
    """Return whether this has changed anything. UpdateSchedule replaces a schedule, so all of it is written back."""
    schedule = _find(installation, name)
    if schedule["State"] == state:
        return False
    scheduler.write_back(installation, {**schedule, "State": state})
    return True


def _find(installation: Installation, name: str) -> dict[str, Any]:
    """Return the schedule in the account, also that of an entry that has been removed since; raise ConfigurationError."""
    group = group_of(lookup.outputs_of(lookup.find(installation)))
    found = scheduler.read(installation, group.name, name) if group else None
    if found is None:
        raise ConfigurationError(_why_not(installation, name))
    return found


def _why_not(installation: Installation, name: str) -> str:
    """Return why there is no schedule of this name, and what to do."""
    syncs = {sync.name: sync for sync in installation.settings.syncs}
    if name not in syncs:
        known = ", ".join(syncs) or "it is empty"
        return f"SYNCS in fabfile_config.py has no sync {name!r}.{did_you_mean(name, syncs)} In it: {known}."
    if not syncs[name].schedule:
        return f"{name} has no schedule to pause: only `fab sync {name}` starts it."
    return f"The schedule of {name} is not deployed yet in {installation.title}. Run `fab` to deploy it."
