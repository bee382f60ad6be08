"""`fab verify`: whether one bucket equals another: a dry run that ends with yes, no or unknown, and why. Nothing is changed.

No guard stops it: a verification has nothing to lose. What no checksum can prove equal is unknown, neither equal nor different.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from deployment.aws.account import execution_link
from deployment.aws.errors import aws_sentence
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.command_line.sync_flags import in_flags
from deployment.console import Console
from deployment.errors import ConfigurationError, CouldNotTell, NotInSync, SyncBucketsError
from deployment.step_functions.executions import Execution, current_machine, readable_cause, sides, start
from deployment.step_functions.run_report import RunFolder
from deployment.tasks.runs.follow import show_end, watch_to_end
from deployment.tasks.runs.output import STDOUT, require_writable
from deployment.tasks.runs.plan_list import FLAG, write_list
from deployment.text import objects

FIXED = {"dryRun": True, "verify": False, "allowEmptySource": True, "maxDelete": "100%", "unprovable": "keep"}
"""The options that make a verification of a sync, whatever a file of options says."""

LEFT_OUT = ("overwrite", "maxCostUsd")
"""What a file of options may say and a verification does not heed: what differs is told, whatever it would cost to mend."""

IN_SYNC, DIFFERS, UNKNOWN = "in sync", "differs", "unknown"


@dataclass(frozen=True)
class Verdict:
    """One of the three words above, and why in a sentence without its full stop."""

    word: str
    why: str


def options_of(given: Mapping[str, Any], deep: bool) -> dict[str, Any]:
    """Return the input of the dry run; `deep` asks for the metadata of every object."""
    if deep and given.get("compareMetadata", "all") != "all":
        raise ConfigurationError(
            "--deep asks for the metadata of every object, and compareMetadata says something else. Leave one of them out."
        )
    asked = {name: value for name, value in given.items() if name not in LEFT_OUT}
    return {**asked, **FIXED, **({"compareMetadata": "all"} if deep else {})}


def verify(
    installation: Installation,
    options: Mapping[str, Any],
    console: Console,
    as_json: bool = False,
    list_to: str = "",
) -> None:
    """Compare both buckets and show what differs; raise NotInSync where something does, CouldNotTell where that is not known.

    With `as_json`, stdout gets one JSON document, unless all differences go there: `list_to`, as in `fab sync`.
    """
    require_writable(FLAG, list_to)
    outputs = lookup.outputs(installation)
    arn = start(installation, current_machine(installation, lookup.machine_names(outputs)), options)
    console.step(f"Started {arn}\n{execution_link(arn)}")
    work_bucket = outputs.get("WorkBucket")
    execution = watch_to_end(installation, arn, work_bucket, console, f"Comparing {sides(options)}")
    folder = RunFolder(installation, arn, work_bucket)
    if as_json:
        report = execution.report or folder.report()
        if report and list_to:
            write_list(folder, report, list_to, as_json, console)
    else:
        report = show_end(folder, execution, options, console, as_json, list_to)
    found = judge(execution, report or {})
    _tell(execution, report, found, console, as_json, list_to)
    _raise_unless_in_sync(found, sides(options))


def judge(execution: Execution, report: Mapping[str, Any]) -> Verdict:
    """Return what a dry run says; a difference is one whatever else went wrong."""
    differences = list(_differences(report))
    if differences:
        return Verdict(DIFFERS, ", ".join(differences))
    if execution.status != "SUCCEEDED" or "current" not in report:
        cause = in_flags(readable_cause(execution.cause) or "").rstrip(".")
        return Verdict(UNKNOWN, f"the comparison ended {execution.ending}{f': {cause}' if cause else ''}")
    doubts = list(_doubts(report))
    if doubts:
        return Verdict(UNKNOWN, ", ".join(doubts))
    return Verdict(IN_SYNC, f"{_are(report['current']['objects'])} equal")


@contextlib.contextmanager
def unknown_unless_told() -> Iterator[None]:
    """Raise CouldNotTell, whose exit status is not that of a difference, for every other error that a person can meet."""
    try:
        yield
    except (NotInSync, CouldNotTell, ParamValidationError):
        raise
    except SyncBucketsError as error:
        raise CouldNotTell(str(error)) from error
    except (ClientError, BotoCoreError) as error:
        raise CouldNotTell(aws_sentence(error)) from error


def _differences(report: Mapping[str, Any]) -> Iterator[str]:
    plan, skipped = report.get("plan", {}), report.get("skipped", {})
    archived = plan.get("restore", {}).get("objects", 0)
    archived += sum(skipped.get(word, 0) for word in ("archived", "restoring"))
    for number, what in (
        (plan.get("copy", {}).get("objects", 0), "missing at the destination or different there"),
        (plan.get("delete", {}).get("objects", 0), "at the destination only"),
        (
            archived,
            "archived, and missing or different at the destination",
        ),
        (skipped.get("unmappable", 0), "missing, because the destination cannot have such a key"),
    ):
        if number:
            yield f"{_are(number)} {what}"


def _doubts(report: Mapping[str, Any]) -> Iterator[str]:
    for number, what in (
        (
            report.get("unprovable", {}).get("objects", 0),
            "neither proved equal nor different by any checksum",
        ),
        (report.get("skipped", {}).get("vanished", 0), "gone since the source was listed"),
    ):
        if number:
            yield f"{_are(number)} {what}"


def _tell(
    execution: Execution,
    report: Mapping[str, Any] | None,
    found: Verdict,
    console: Console,
    as_json: bool,
    list_to: str,
) -> None:
    if list_to == STDOUT:
        return
    if as_json:
        document = {**execution.to_json(report), "verdict": found.word, "why": found.why}
        console.result(json.dumps(document, indent=2, default=str))
    elif found.word == IN_SYNC:
        console.say(f"In sync: {found.why}.", "green")


def _raise_unless_in_sync(found: Verdict, of_what: str) -> None:
    if found.word == DIFFERS:
        raise NotInSync(f"{of_what} is not in sync: {found.why}.")
    if found.word == UNKNOWN:
        raise CouldNotTell(f"It could not be told whether {of_what} is in sync: {found.why}.")


def _are(number: int) -> str:
    return f"{objects(number)} {'is' if number == 1 else 'are'}"
