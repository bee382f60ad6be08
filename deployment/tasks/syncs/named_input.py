"""What `fab sync photos` and `fab verify photos` mean: an entry of SYNCS, and over it the flags that were typed.

One word is a name, two are buckets: `fab sync photos photos-copy` takes the bucket `photos`, whatever SYNCS names so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deployment.errors import ConfigurationError
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync
from deployment.tasks.runs import sync_input
from deployment.text import did_you_mean, listed

NO_NAME_BESIDE = ("destination", "plan", "planDigest")
MAX_NAMED = 10


def read(
    typed: Mapping[str, Any], file: str | None, task: str, load: Callable[[], Settings]
) -> dict[str, Any]:
    """Return the input of an execution, as `sync_input.read`; of the sync that is named, if one is.

    `task` is what was typed after `fab`; `load` reads the configuration, which is done only where a name may be meant.
    """
    if not may_be_name(typed, file):
        return sync_input.read(typed, file)
    syncs = load().syncs
    if not syncs:
        return sync_input.read(typed, file)
    flags = {option: value for option, value in typed.items() if option != "source"}
    return sync_input.overrule(find(syncs, typed["source"], task).input, flags)


def may_be_name(typed: Mapping[str, Any], file: str | None) -> bool:
    """Whether a source without a destination can be the name of a sync; addresses and buckets with dots cannot."""
    from lambda_functions.shared.option_rules import name_problem

    is_alone = file is None and not any(option in typed for option in NO_NAME_BESIDE)
    return is_alone and "source" in typed and name_problem(typed["source"]) is None


def find(syncs: Sequence[Sync], name: str, task: str) -> Sync:
    """Return the sync of this name; raise ConfigurationError with the nearest where there is none."""
    found = next((sync for sync in syncs if sync.name == name), None)
    if found is not None:
        return found
    names = [sync.name for sync in syncs]
    known = did_you_mean(name, names, f"`fab {task} {{}}`") or f" It names {listed(names, MAX_NAMED)}."
    raise ConfigurationError(
        f"SYNCS names no sync {name!r}.{known} For two buckets write both: `fab {task} {name} my-destination-bucket`."
    )
