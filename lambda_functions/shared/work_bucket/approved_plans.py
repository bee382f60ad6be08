"""The plan of a dry run that somebody has approved: written by the dry run, checked and taken by the run that carries it out.

A dry run that succeeds leaves `plan.json`: the checksums of all files that its plan is made of. Its report has the digest of
these and of its options. A run that is given that plan takes everything from there. It is refused if one of the files is another
one now, if the plan is too old, or if an execution has taken it before: `applied-by.json` is written after all that may refuse.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.option_rules import RULES
from lambda_functions.shared.options import Options
from lambda_functions.shared.outcomes import pluralize
from lambda_functions.shared.run import RUNS, AppliedPlan, Run
from lambda_functions.shared.spelling import quote
from lambda_functions.shared.work_bucket.run_folder import READ_THREADS, RunFileBroken, RunFolder, work_bucket

REPORT, PLAN, APPLIED = "report.json", "plan.json", "applied-by.json"
# Of everything that a later run reads from a plan; a plan of another format is not read.
FORMAT = 1
MAX_AGE_DAYS = 7
# Files of a run expire one by one. A run may be redriven for 14 days
# (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html), and S3 counts whole days.
RESERVED_DAYS = 16
# The character behind "/" in the order of keys.
AFTER_SLASH = "0"
# Files whose checksums are compared between two looks at the clock.
CHUNK_FILES = 256

OptionValues = Mapping[str, Any]
File = Mapping[str, Any]


@dataclass(frozen=True)
class ApprovedPlan:
    """What a run takes from a plan: its options, and what leads to its files."""

    options: Options
    applied: AppliedPlan


def max_age_days(run_retention_days: int) -> int:
    """Return for how many days a plan can be carried out, where files of runs are kept for so many; below 1 it cannot be."""
    return min(MAX_AGE_DAYS, run_retention_days - RESERVED_DAYS)


def retention_warnings(run_retention_days: int) -> list[str]:
    """Return what a dry run warns of whose plan can only be read."""
    if max_age_days(run_retention_days) >= 1:
        return []
    return [
        f"This plan can be read, but not be carried out: the files of runs are kept for {pluralize(run_retention_days, 'day')} "
        f"(RUN_RETENTION_DAYS), and carrying out a plan needs {RESERVED_DAYS + 1} at least."
    ]


def write_plan(
    folder: RunFolder,
    options: Options,
    waves: Sequence[Mapping[str, Any]],
    records: Sequence[str],
    shards: Iterable[File],
) -> str:
    """Write what a plan is made of; return its digest. `records` are the names of those of all ranges."""
    with ThreadPoolExecutor(READ_THREADS) as pool:
        digests = list(pool.map(folder.digest, records))
    files = [
        *({"file": wave["index"], "sha256": wave["sha256"]} for wave in waves),
        *({"file": name, "sha256": digest} for name, digest in zip(records, digests, strict=True)),
        *({"file": shard["file"], "sha256": shard["sha256"]} for shard in shards),
    ]
    plan = {"waves": list(waves), "files": files}
    folder.write(PLAN, plan)
    return plan_digest(options.to_json(), plan)


def plan_digest(options: OptionValues, plan: Mapping[str, Any]) -> str:
    """Return the SHA-256 over the options of a plan and the checksums of its files."""
    whole = {"format": FORMAT, "options": options, "waves": plan["waves"], "files": plan["files"]}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def approve(
    client: Any, given: Mapping[str, Any], execution: Mapping[str, str], run_retention_days: int, turn: Turn
) -> ApprovedPlan:
    """Return the plan that an input names; raise `Refused("InvalidInput", ...)` unless it may be carried out by this execution.

    As many of its files are checked as the turn holds, the records first; a worker checks each shard before it begins it.
    """
    folder = RunFolder(client, find_folder(client, given["plan"]))
    name = folder.path.removeprefix(f"{RUNS}/")
    try:
        report = folder.read(REPORT)
        _refuse(name, _why_unfit(report, execution["startTime"], run_retention_days))
        _refuse(name, _why_taken(folder.read(APPLIED), execution["id"]))
        plan = folder.require(PLAN)
        digest = plan_digest(report["options"], plan)
        _refuse(name, _why_another(digest, report.get("planDigest"), given.get("planDigest")))
        options = _options(report["options"], given)
        _refuse(name, _why_damaged(folder, plan["files"], turn))
    except RunFileBroken as broken:
        raise _refusal(name, f"it is not what the dry run has left: {broken}") from broken
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _refusal(
            name, "it is not what the dry run has left: its report is not what a run writes"
        ) from error
    return ApprovedPlan(options, AppliedPlan(folder.path, digest, plan["waves"]))


def take(client: Any, run: Run, plan: AppliedPlan) -> None:
    """Write down that this execution carries out a plan; raise Refused if another one did before. Once more is no error."""
    document = {"execution": run.execution, "startedAt": run.started_at}
    first = RunFolder(client, plan.folder).write_once(APPLIED, document)
    _refuse(plan.name, _why_taken(first, run.execution))


def options_of(client: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of the plan that an input names as far as they can be read; for runs that have not begun."""
    with contextlib.suppress(Refused, RunFileBroken, AttributeError, KeyError, TypeError):
        report = RunFolder(client, find_folder(client, given["plan"])).read(REPORT)
        return report["options"] if isinstance(report["options"], dict) else {}
    return {}


def find_folder(client: Any, name: str) -> str:
    """Return the folder of `<state machine>/<execution name>`, or of the only run of that name; raise Refused otherwise."""
    if "/" in name:
        return f"{RUNS}/{name}"
    found = [machine for machine in _machines(client) if _first_file(client, f"{machine}{name}/")]
    if not found:
        raise _refusal(name, "no run of that name has left any files, or they have expired")
    if len(found) > 1:
        names = ", ".join(f"{machine.removeprefix(f'{RUNS}/')}{name}" for machine in found)
        raise Refused(
            "InvalidInput",
            f"{len(found)} runs have that name: {names}. Nothing was changed. Name one of these.",
        )
    return f"{found[0]}{name}"


def _machines(client: Any) -> Iterator[str]:
    """Yield `runs/<state machine>/` of all that have left files: after each, a listing goes on behind all keys that begin so."""
    after = f"{RUNS}/"
    while key := _first_file(client, f"{RUNS}/", after):
        folder = "/".join(key.split("/")[:2])
        yield f"{folder}/"
        after = f"{folder}{AFTER_SLASH}"


def _first_file(client: Any, prefix: str, after: str = "") -> str:
    """Return the first key under a prefix and after another one, "" where there is none."""
    asked = {"Bucket": work_bucket(), "Prefix": prefix, "MaxKeys": 1}
    found = client.list_objects_v2(**asked, **({"StartAfter": after} if after else {})).get("Contents", ())
    return str(found[0]["Key"]) if found else ""


def _why_unfit(report: Mapping[str, Any] | None, now: str, run_retention_days: int) -> str:
    """Return why a run cannot be carried out as a plan, "" if it can; pure."""
    if report is None:
        return "it has left no report: it has not ended, was stopped, or its files have expired"
    if not report["dryRun"]:
        return "that run was no dry run"
    if report["outcome"] != "Succeeded" or report["failed"]["objects"]:
        return f"the dry run did not succeed, it ended with {report['outcome']}"
    if report.get("format") != FORMAT:
        made_by = f"of format {report['format']}" if "format" in report else "of a version without plans"
        return f"the dry run was made by a state machine {made_by}, and this one reads format {FORMAT}"
    most = max_age_days(run_retention_days)
    if most < 1:
        return f"RUN_RETENTION_DAYS is {run_retention_days}, and carrying out a plan needs {RESERVED_DAYS + 1} at least"
    if datetime.fromisoformat(now) - datetime.fromisoformat(report["startedAt"]) > timedelta(days=most):
        return f"it was made at {report['startedAt']}, and a plan can be carried out for {pluralize(most, 'day')}"
    return ""


def _why_taken(taken: Mapping[str, Any] | None, execution: str) -> str:
    if taken is None or taken["execution"] == execution:
        return ""
    return f"{taken['execution']} has carried it out, or tried to; a new dry run shows what is left"


def _why_another(digest: str, of_report: Any, given: str | None) -> str:
    if digest != of_report:
        return f"its options or files were changed after the dry run: their digest is {digest}, and was {of_report}"
    if given not in (None, digest):
        return f"it is not the plan that was approved: its planDigest is {digest}, and {given} was given"
    return ""


def _why_damaged(folder: RunFolder, files: Sequence[File], turn: Turn) -> str:
    with ThreadPoolExecutor(READ_THREADS) as pool:
        for start in range(0, len(files), CHUNK_FILES):
            if start and turn.is_over():
                break
            chunk = files[start : start + CHUNK_FILES]
            digests = pool.map(lambda file: folder.digest(file["file"]), chunk)
            for file, digest in zip(chunk, digests, strict=True):
                if digest != file["sha256"]:
                    return f"{folder.address(file['file'])} was changed after the dry run"
    return ""


def _options(data: OptionValues, given: Mapping[str, Any]) -> Options:
    """Return the options of a plan for the run that carries it out; raise ValueError for those that no input could have."""
    problems = [RULES[name](value) for name, value in data.items() if value is not None]
    if any(problems):
        raise ValueError(problems)
    options = Options.from_json(data)
    return replace(options, dryRun=False, maxConcurrency=given.get("maxConcurrency", options.maxConcurrency))


def _refuse(name: str, why: str) -> None:
    if why:
        raise _refusal(name, why)


def _refusal(name: str, why: str) -> Refused:
    return Refused(
        "InvalidInput",
        f"the plan {quote(name)} cannot be carried out: {why}. Nothing was changed. Make a new dry run, and carry out its plan.",
    )
