"""From the flags of `fab sync` to the input of the state machine.

Flags arrive as text or switches, because Fabric answers a number that is none with a traceback. Only what was given is
passed on: the defaults are those of the state machine, and so is the judgement of bucket names and prefixes.
"""

from __future__ import annotations

import re
from typing import Any

from deployment.errors import ConfigurationError


def sync_options(
    source: str | None,
    destination: str | None,
    prefix: str | None = None,
    destination_prefix: str | None = None,
    dry_run: bool = False,
    no_delete: bool = False,
    max_delete: str | None = None,
    allow_empty_source: bool = False,
) -> dict[str, Any]:
    """Return the input; raise ConfigurationError when a bucket is missing, or `max_delete` is no number and no share."""
    missing = [name for name, value in (("--source", source), ("--destination", destination)) if not value]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ConfigurationError(
            f"{' and '.join(missing)} {verb} missing. Run: fab sync --source my-bucket --destination my-other-bucket"
        )
    options = {
        "source": source,
        "destination": destination,
        "prefix": prefix,
        "destinationPrefix": destination_prefix,
        "dryRun": dry_run or None,
        "delete": False if no_delete else None,
        "maxDelete": None if max_delete is None else _limit(max_delete),
        "allowEmptySource": allow_empty_source or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _limit(text: str) -> int | str:
    """Return a number of objects as a number, and a share of them as the text that it is."""
    if re.fullmatch(r"[0-9]+", text):
        return int(text)
    if re.fullmatch(r"(100|[0-9]{1,2}(\.[0-9]+)?)%", text):
        return text
    raise ConfigurationError(
        f"--max-delete is {text!r}: expected a number of objects such as 500, or a share of them such as 10%"
    )
