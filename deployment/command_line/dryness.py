"""The last door before a task: nothing real is done where Invoke was told to be dry in some other way than by a flag.

`FABRIC_RUN_DRY=1`, or `run: {dry: true}` in a file of Fabric's configuration, come past every reading of the command line.
"""

from __future__ import annotations

from typing import Any

from deployment.errors import ConfigurationError

DRY_RUN_PARAMETER = "dry_run"


def require_no_unheard_dry_run(context: Any, given: dict[str, Any]) -> None:
    """Raise ConfigurationError if Invoke's own configuration says `dry` and the task was not asked for a dry run."""
    run = getattr(getattr(context, "config", None), "run", None)
    if getattr(run, "dry", False) and not given.get(DRY_RUN_PARAMETER):
        raise ConfigurationError(
            "Nothing was done: Fabric's own configuration says run.dry (FABRIC_RUN_DRY, or a file such as "
            "~/.fabric.yaml), and that would be dry for shell commands only. Remove it; for a dry run of `fab sync` and "
            "`fab prune` give --dry-run."
        )
