"""What `fab help`, `fab help TASK` and `fab --version` show, as lines. Pure, but for the versions of what is installed."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from deployment import VERSION
from deployment.command_line.grammar import Flags

_DISTRIBUTIONS = {"boto3": "boto3", "fabric": "Fabric", "invoke": "Invoke"}

_FIRST = """\
SyncBuckets makes one S3 bucket equal to another, in your own AWS account.

Usage: fab [TASK] [FLAGS]. Without a task it deploys what has changed.

Tasks:
"""

_LAST = """
The first sync, which only counts:
  fab sync my-source-bucket my-destination-bucket --dry-run

`fab help TASK` explains the flags of a task.
`fab --version` says what to put into a bug report.
Fabric's flags for shells and other machines (--echo, --hosts) are refused."""


def tasks(helplines: Sequence[tuple[str, str]]) -> list[str]:
    """Return the tasks with a line each, in the order given, between what comes first and what to type next."""
    width = max(len(name) for name, _ in helplines)
    return [
        *_FIRST.splitlines(),
        *(f"  {name:<{width}}   {line}" for name, line in helplines),
        *_LAST.splitlines(),
    ]


def head_of_task(usage: str, docstring: str | None, has_flags: bool = True) -> list[str]:
    """Return what stands above the flags of a task, or is all there is to say of one without any."""
    title = usage.partition(". ")[0]
    if not has_flags:
        return [title.removesuffix(" [FLAGS]"), "", f"  {docstring or ''}", "", "It has no flags."]
    return [title, "", f"  {docstring or ''}", "", "Flags (--help and --list beside them):"]


def flag_rows(rows: Sequence[tuple[str, str]], flags: Flags) -> list[tuple[str, str]]:
    """Return Invoke's rows of flags and texts, with `--delete` and `--no-delete` in one: `--[no-]delete`."""
    rows = [(f"{typed}=STRING" if _is_repeatable(typed, flags) else typed, text) for typed, text in rows]
    helps = dict(rows)
    merged = []
    for typed, text in rows:
        opposite = f"--no-{typed[2:]}"
        if opposite in helps:
            merged.append((f"--[no-]{typed[2:]}", f"{text} {opposite}: {_small(helps[opposite])}"))
        elif not (typed.startswith("--no-") and f"--{typed[5:]}" in helps):
            merged.append((typed, text))
    return merged


def versions() -> list[str]:
    """Return our version, then Python's and those of the libraries, one a line."""
    libraries = [f"{written} {_version(name)}" for name, written in _DISTRIBUTIONS.items()]
    return [f"SyncBuckets {VERSION}", f"Python {platform.python_version()}", *libraries, platform.platform()]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"


def _is_repeatable(typed: str, flags: Flags) -> bool:
    return typed in flags and flags[typed].is_repeatable


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
