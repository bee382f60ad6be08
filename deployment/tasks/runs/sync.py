"""`fab sync`: from the start of an execution to its report; `sync_input` has what it is started with.

Only what was given is passed on: the defaults are those of the state machine. The report is what the Lambda `tally_run` writes
and the execution returns, or leaves in the work bucket where it fails; here it is only put into a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.account import execution_link
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.command_line.sync_flags import in_flags
from deployment.console import Console
from deployment.step_functions.executions import (
    Execution,
    current_machine,
    require_success,
    sides,
    start,
    watch,
)
from deployment.text import duration, size

Row = tuple[str, int, str]

_ROWS = (
    ("copied", "copied"),
    ("deleted", "deleted"),
    ("current", "already equal"),
)

_SKIPPED = {
    "archived": "skipped: archived, to be restored first",
    "vanished": "skipped: vanished during the run",
    "unmappable": "skipped: no possible key at the destination",
}

_TROUBLE = {
    "unprovable": "unprovable: no checksum tells",
    "changed": "changed by others during the run",
    "failed": "failed",
}


def sync(
    installation: Installation,
    options: Mapping[str, Any],
    console: Console,
    wait: bool = True,
    as_json: bool = False,
) -> Execution:
    """Start the newest state machine with the options as its input; show progress and report unless not to wait.

    With `as_json`, stdout gets one JSON document and nothing else. Raises ExecutionFailed unless it succeeded.
    """
    outputs = lookup.outputs(installation)
    work_bucket = outputs.get("WorkBucket")
    arn = start(installation, current_machine(installation, lookup.machine_names(outputs)), options)
    if not wait:
        return _announce(Execution(arn, "RUNNING"), console, as_json)
    console.step(f"Started {arn}\n{execution_link(arn)}")
    execution = _watch(installation, arn, work_bucket, console, f"Syncing {sides(options)}".rstrip())
    report = execution.report or read_report(installation, arn, work_bucket)
    if as_json:
        console.result(_document({**execution.to_json(), **({"report": report} if report else {})}))
    else:
        show_report(report, execution.seconds, console, options)
    return require_success(replace(execution, cause=in_flags(execution.cause or "")))


def read_report(
    installation: Installation, execution_arn: str, work_bucket: str | None
) -> Mapping[str, Any] | None:
    """Return the report that a failed execution has left in the work bucket, None where there is none to be read."""
    machine, name = execution_arn.split(":")[6:8]
    try:
        answer = installation.client("s3").get_object(
            Bucket=work_bucket,
            Key=f"runs/{machine}/{name}/report.json",
            ExpectedBucketOwner=installation.account_id,
        )
        report: Mapping[str, Any] = json.loads(answer["Body"].read())
        return report
    except (ClientError, BotoCoreError, ValueError):
        return None


def show_report(
    report: Mapping[str, Any] | None,
    seconds: float,
    console: Console,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Write a report as a table to stdout, with what it cost below; nothing where no run has begun.

    `options` are what the execution was started with; they have the prefixes.
    """
    if report is None or "copied" not in report:
        return
    shown = list(rows(report))
    styles = ["red" if name in _TROUBLE.values() else "" for name, _, _ in shown]
    console.table(title(report, options), ["", "objects", "size"], shown, styles)
    for line in footer(report, seconds):
        console.say(line)
    for warning in report.get("warnings", ()):
        console.say(f"Warning: {in_flags(str(warning))}", "yellow")
    causes = [
        [code, cause.get("objects"), cause.get("example", {}).get("key")]
        for code, cause in report.get("causes", {}).items()
    ]
    if causes:
        console.table("\nWhy objects were not synchronised", ["cause", "objects", "for example"], causes)
    named = [
        [found.get("key"), found.get("what"), found.get("error")]
        for found in report.get("notSynchronised", ())
    ]
    if named:
        console.table(
            "\nNot synchronised (the report names the files with all of them)", ["key", "what", "why"], named
        )


def title(report: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> str:
    """Return which buckets and prefixes, and whether anything was really done."""
    why = "refused" if is_refused(report) else "dry run" if report.get("dryRun") else ""
    return f"{sides(options or report)}{f' ({why}: nothing was changed)' if why else ''}"


def is_refused(report: Mapping[str, Any]) -> bool:
    """Whether a guard stopped the run between its plan and its first change."""
    return str(report.get("outcome", "")).endswith("Refused")


def rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what became of the objects: what, how many, how much. What went wrong is left out where it did not."""
    if report.get("dryRun") or is_refused(report):
        plan = report.get("plan", {})
        yield _row("would be copied", plan.get("copy"))
        yield _row("would be deleted", plan.get("delete"))
        yield _row("already equal", report.get("current"))
    else:
        for name, words in _ROWS:
            yield _row(words, report.get(name))
    for name, words in _SKIPPED.items():
        yield from _unless_none(words, report.get("skipped", {}).get(name))
    for name, words in _TROUBLE.items():
        yield from _unless_none(words, report.get(name))


def footer(report: Mapping[str, Any], seconds: float) -> Iterator[str]:
    """Yield what was out of scope, what a delete means there, requests, cost and time, and where the whole report is."""
    yield from scope(report)
    markers = int(report.get("deleteMarkers", 0))
    if markers:
        yield f"The destination is versioned: {markers:,} of the deletes left a delete marker, old versions stay."
    requests: Mapping[str, int] = report.get("requests", {})
    listed = ", ".join(f"{count:,} {name}" for name, count in requests.items() if count) or "none"
    yield f"Requests to the two buckets: {listed}"
    unusual = int(report.get("unusualPages", 0))
    if unusual:
        yield f"{unusual:,} pages of the listings had an unusual form: they were read too, but slowly."
    yield f"Estimated cost: {cost(report.get('estimatedCostUsd'))}; it took {duration(seconds)}"
    if report.get("report"):
        yield f"Report: {report['report']}"


def scope(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was listed and left out, unless nothing was left out."""
    listed, left_out = report.get("listed", {}), report.get("outOfScope", {})
    if any(left_out.values()):
        sides = (
            f"{listed.get(side, 0):,} at the {side} ({left_out.get(side, 0):,} out of scope)"
            for side in ("source", "destination")
        )
        yield f"Objects listed: {', '.join(sides)}"


def cost(usd: float | None) -> str:
    """Return an amount of money with as many digits as matter: `$0.0004`, `$12.30`."""
    if usd is None:
        return "unknown"
    return f"${usd:,.2f}" if usd >= 1 else f"${usd:.4f}"


def _announce(execution: Execution, console: Console, as_json: bool) -> Execution:
    link = execution_link(execution.arn)
    document = _document({**execution.to_json(), "console": link})
    console.result(document if as_json else f"{execution.arn}\n{link}")
    return execution


def _watch(
    installation: Installation,
    execution_arn: str,
    work_bucket: str | None,
    console: Console,
    description: str,
) -> Execution:
    """Show an execution until its end; whoever stops watching learns that it continues."""
    try:
        return watch(installation, execution_arn, work_bucket, console, description)
    except (KeyboardInterrupt, ClientError, BotoCoreError):
        console.step(
            f"The execution continues in AWS. Stop it with:\n"
            f"  aws stepfunctions stop-execution --region {installation.region} --execution-arn {execution_arn}"
        )
        raise


def _document(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, default=str)


def _row(words: str, amount: Any) -> Row:
    if isinstance(amount, Mapping):
        bytes_ = amount.get("bytes")
        return words, int(amount.get("objects", 0)), "" if bytes_ is None else size(bytes_)
    return words, int(amount or 0), ""


def _unless_none(words: str, amount: Any) -> Iterator[Row]:
    row = _row(words, amount)
    if row[1]:
        yield row
