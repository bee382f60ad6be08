"""The words that a task takes without a flag, in their order: `fab sync a b` is `fab sync --source a --destination b`.

Invoke has no positional argument that may be left out, and takes no optional value beside one; `reading` turns words into flags
before Invoke sees them. A task that wants words gets a line here.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, ...]] = {
    "sync": ("source", "destination"),
    "verify": ("source", "destination"),
    "policies": ("source", "destination"),
    "follow": ("name",),
    "stop": ("name",),
    "report": ("name",),
    "pause": ("name",),
    "resume": ("name",),
}
"""Of a task: the names of its flags that words stand for."""

LIKELY_FLAG: Mapping[str, str] = {
    "definition": "--name",
    "demo": "--source-dir",
    "logs": "--function",
    "prune": "--keep",
    "rollback": "--to",
}
"""Of a task that takes no words: the flag that people forget before a word."""

ALONE: Mapping[str, str] = {"sync": "NAME", "verify": "NAME"}
"""Of a task: what its first word stands for where it is the only one, a sync of the configuration."""

OPTIONAL_WORDS = ("name",)
"""Words that may be left out: the usage has them in brackets."""

HELP = "help"
"""No task, and typed like one: `fab help`, `fab help sync`."""

INSTEAD_OF_A_DRY_RUN: Mapping[str, str] = {
    "deploy": "`fab plan` shows what it would do.",
    "policies": "It changes nothing anyway.",
    "delete": "It asks before it deletes, unless --yes is given.",
    "recover": "It asks before it goes on, unless --yes is given.",
    "rollback": "`fab versions` shows where it can go back to.",
    "verify": "It changes nothing anyway.",
}
"""Of a task without a dry run: what shows what it would do."""
