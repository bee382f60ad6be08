"""Ending a run: the report is written, left-over uploads are aborted, the lease is given back, whatever has happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lambda_functions.shared.apply.uploads import abort_all, first_problems
from lambda_functions.shared.compare.waves import Record, range_record_name, read_wave, waves_of
from lambda_functions.shared.errors import cause_of_execution, cut_cause, message_of
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.options import MAX_LEVELS
from lambda_functions.shared.outcomes import add_counts
from lambda_functions.shared.run import Run, folder_of
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.spelling import writable
from lambda_functions.shared.tally import report as reporting
from lambda_functions.shared.tally import verification
from lambda_functions.shared.tally.breakage import read_breakages
from lambda_functions.shared.tally.metrics import log_metrics, name_of_sync
from lambda_functions.shared.tally.plan import (
    SHARD_KINDS,
    ComparisonTotals,
    as_borrowed,
    read_records,
    total_of_records,
    totals_of_state,
)
from lambda_functions.shared.tally.report import Ending
from lambda_functions.shared.tally.sums import WorkTotals, broken_totals, read_totals
from lambda_functions.shared.tally.verification import Verification, read_verification
from lambda_functions.shared.tally.warnings import class_warnings, scope_warnings
from lambda_functions.shared.work_bucket.approved_plans import FORMAT, REPORT, options_of, write_plan
from lambda_functions.shared.work_bucket.leases import keep_lease, release_lease
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

FAILURES = "failures.json"


def end_run(clients: Clients, state: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """Return `{"outcome", "cause", "executionCause", "report"}`; the outcome is "Succeeded" or the error to fail with.

    The report in the bucket has the whole cause, however long; what is returned has what an execution can fail with.
    `executionCause` also says which sync it was and where its report is: a notice has nothing else to tell it by.
    """
    execution = state["execution"]
    verdict = (state.get("run") or {}).get("verdict")
    folder = RunFolder(clients.work, folder_of(execution))
    if verdict == "valid":
        report, ending = _report_run(clients, RunFolder.of(clients.work, Run.from_json(state["run"])), state)
    else:
        report, ending = _report_without_run(clients, state)
        release_lease(clients.work, report["destination"], execution["id"])
    times = {
        "startedAt": execution["startTime"],
        "endedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    outcome = {"outcome": ending.error or "Succeeded", "cause": ending.cause, "phase": ending.phase}
    report = {**report, **times, **outcome, "report": folder.address(REPORT)}
    folder.write(REPORT, report)
    name, cause = name_of_sync(report["options"]), cut_cause(ending.cause, report["report"])
    log_metrics(report, name)
    fails_with = cause_of_execution(ending.cause, name, report["report"])
    return {
        "outcome": outcome["outcome"],
        "cause": cause,
        "executionCause": fails_with,
        "report": {**report, "cause": cause},
    }


@dataclass(frozen=True)
class Findings:
    """What a run has left behind: its sums, the first keys that it did not synchronise, and what its report warns of.

    `state` is that of the run, with an error of its own where the files of the run cannot be believed.
    """

    state: Mapping[str, Any]
    compared: ComparisonTotals
    copied: WorkTotals
    deleted: WorkTotals
    first_failures: Sequence[Any]
    warnings: Sequence[str]
    verified: Verification | None = None

    @property
    def done(self) -> WorkTotals:
        """Return the sums of copies and deletes together."""
        return self.copied + self.deleted


def _report_run(
    clients: Clients, folder: RunFolder, state: Mapping[str, Any]
) -> tuple[dict[str, Any], Ending]:
    run = Run.from_json(state["run"])
    found = _findings(folder, run, state)
    sums = (found.compared, found.copied, found.deleted)
    verified = found.verified.failures if found.verified else []
    ending = reporting.ending(found.state, *sums, folder.address(FAILURES))
    if not ending.error:
        ending = verification.ending(run, found.verified, folder.address(FAILURES))
    may_have_stragglers = reporting.may_have_stragglers(found.state, found.done)
    with ThreadPoolExecutor(1) as pool:
        named = pool.submit(_write_failures, folder, found.compared, found.done, verified)
        problems = abort_all(folder, clients.destination, may_have_stragglers)
        named.result()
    others = add_counts([state["run"].get("requests", {}), clients.requests.counts()])
    report = {
        **reporting.report(run, *sums, others),
        **({"verified": found.verified.to_json()} if found.verified else {}),
        "failures": folder.address(FAILURES),
        "notSynchronised": found.first_failures,
        "warnings": [*found.warnings, *first_problems(problems, where=f": {folder.address('uploads/')}")],
    }
    if not may_have_stragglers:
        _end_lease(clients, run, bool(problems))
    ending = _with_uploads_left(ending, problems, run.destination.bucket)
    if run.options.dryRun and not ending.error:
        report["planDigest"] = _leave_plan(folder, run, state["comparison"]["waves"], found.compared)
    return report, ending


def _leave_plan(
    folder: RunFolder, run: Run, waves: Sequence[Mapping[str, Any]], compared: ComparisonTotals
) -> str:
    """Write what the plan of a dry run is made of, for a run that carries it out; return its digest."""
    records = [range_record_name(item["id"]) for wave in waves for item in folder.read_index(wave)]
    shards = [shard for kind in SHARD_KINDS for shard in compared.shards[kind]]
    return write_plan(folder, run.options, waves, records, [*shards, *compared.failures])


def _findings(folder: RunFolder, run: Run, state: Mapping[str, Any]) -> Findings:
    """Return what the run's files say, or what the state alone does where one of them is broken."""
    told = state["run"].get("warnings", ())
    try:
        compared, copied, deleted = _read_totals(folder, run, state)
        verified = read_verification(folder, state)
        files = [*copied.failures, *deleted.failures, *compared.failures]
        if verified:
            deleted, files = deleted + verified.totals(), [*verified.failures, *files]
        warnings = [
            *(scope_warnings(run.options, compared) if _is_compared(state) else []),
            *class_warnings(compared.as_standard, compared.restores, run.options.restore),
            *_uncounted_warning(state),
            *(verified.warnings(run.options) if verified else []),
        ]
        failures = _first_failures(folder, files)
        return Findings(state, compared, copied, deleted, failures, [*warnings, *told], verified)
    except RunFileBroken as broken:
        error = state.get("error") or {"Error": "RunFileBroken", "Cause": str(broken)}
        warnings = [_incomplete_warning(state, broken), *_uncounted_warning({**state, "error": error}), *told]
        return Findings({**state, "error": error}, *_totals_of_state(state), [], warnings)


def _incomplete_warning(state: Mapping[str, Any], broken: RunFileBroken) -> str:
    """Say which numbers of a report are too small: those that only the files know, and all before they were added up once."""
    counts = "" if "books" in (state.get("comparison") or {}) else "counts, the "
    return f"The {counts}requests, the cost and the names of keys in this report are incomplete: {broken}."


def _uncounted_warning(state: Mapping[str, Any]) -> list[str]:
    """Say that what a phase did is not, or not wholly, in the report's counts, because it broke before it was added up."""
    phase = reporting.phase_of(state)
    slot, done = {"copying": ("copies", "copied"), "deleting": ("deletes", "deleted")}.get(phase, ("", ""))
    where_it_stands = (state.get(slot) or {}).get("next", "tally")
    if not state.get("error") or not slot or where_it_stands != "tally":
        return []
    return [f'The run broke before it had added up what it {done}: "{done}" in this report is too small.']


def _end_lease(clients: Clients, run: Run, has_uploads_left: bool) -> None:
    """Give the lease back, or keep it for the run that aborts the uploads that are left."""
    if has_uploads_left:
        keep_lease(clients.work, run, datetime.now(UTC))
    else:
        release_lease(clients.work, run.destination.bucket, run.execution)


def _is_compared(state: Mapping[str, Any]) -> bool:
    """Whether both sides were read to the end: what was not listed is unknown else, and not missing."""
    comparison = state.get("comparison") or {}
    return "plan" in comparison and not comparison.get("broken") and not comparison.get("stopped")


def _with_uploads_left(ending: Ending, problems: Sequence[str], bucket: str) -> Ending:
    """Return the ending with one sentence more about uploads that could not be aborted; no run that leaves one succeeds."""
    if not problems:
        return ending
    named = "; ".join(first_problems(problems, 3))
    what = f"{named}; the next run into {bucket} tries again, and until then their parts cost money."
    if not ending.error:
        return Ending("SyncIncomplete", what, "reporting")
    return Ending(ending.error, f"{ending.cause} {what[0].upper()}{what[1:]}", ending.phase)


def _read_totals(
    folder: RunFolder, run: Run, state: Mapping[str, Any]
) -> tuple[ComparisonTotals, WorkTotals, WorkTotals]:
    """Return what is added up of each phase that the run has come to; a phase it never began has no sums."""
    copied, deleted = (read_totals(folder, state.get(slot)) for slot in ("copies", "deletes"))
    there = RunFolder(folder.client, run.compared_in)
    compared = total_of_records(_read_records(there, state))
    compared = as_borrowed(compared, run.plan) if run.plan else compared
    return compared, copied + _broken_ranges(folder, state), deleted


def _broken_ranges(folder: RunFolder, state: Mapping[str, Any]) -> WorkTotals:
    """Return what broke the workers of a wave that was never added up."""
    comparison = state.get("comparison") or {}
    if not state.get("error") or not comparison or "plan" in comparison:
        return WorkTotals()
    items = [item["id"] for item in folder.read_index(waves_of(comparison)[-1])]
    return broken_totals(read_breakages(folder, items))


def _totals_of_state(state: Mapping[str, Any]) -> tuple[ComparisonTotals, WorkTotals, WorkTotals]:
    """Return the same as far as the state itself carries it: what was counted before a file was lost stays counted."""
    comparison = state.get("comparison") or {}
    copied, deleted = (WorkTotals((state.get(slot) or {}).get("tally", {})) for slot in ("copies", "deletes"))
    return totals_of_state(comparison), copied, deleted


def _read_records(folder: RunFolder, state: Mapping[str, Any]) -> list[Record]:
    """Return the records of all waves; of the last one, if something broke in it, whatever is there."""
    comparison = state.get("comparison")
    if not comparison:
        return []
    is_planned = "plan" in comparison
    waves = comparison["waves"] if is_planned else waves_of(comparison)
    if is_planned and not comparison.get("broken"):
        return read_records(folder, waves)
    *earlier, present = waves
    return [*read_records(folder, earlier), *read_wave(folder, present)[0]]


def _write_failures(
    folder: RunFolder, compared: ComparisonTotals, done: WorkTotals, verified: Sequence[Mapping[str, Any]]
) -> None:
    """Write the index of all files that name keys that were not synchronised."""
    shards = [*verified, *done.failures, *compared.failures]
    files = [shard["file"] for shard in shards]
    folder.write(FAILURES, {"files": files, "unfinishedShards": list(done.unfinished), "contents": shards})


def _report_without_run(clients: Clients, state: Mapping[str, Any]) -> tuple[dict[str, Any], Ending]:
    """Return the report of a run that was refused, or broke before it was accepted.

    Its destination is where its lease may be; that of a run with a plan is only known from there.
    """
    run, given = state.get("run") or {}, state["input"]
    # Refused or not, what it was given is told; JSON could not tell all that Python can read.
    options = writable(given, MAX_LEVELS) if isinstance(given, dict) else {}
    if "plan" in options:
        options = {**options_of(clients.work, options), "dryRun": False}
    sums = total_of_records([])
    report = {
        "source": options.get("source"),
        "destination": options.get("destination"),
        "dryRun": bool(options.get("dryRun", False)),
        **({"name": options["name"]} if options.get("name") else {}),
        "format": FORMAT,
        "options": options,
        "plan": sums.plan,
        "requests": run.get("requests", {}),
    }
    if run.get("verdict") == "refused":
        return report, Ending(run["error"], run["cause"], "starting")
    error = state.get("error") or {}
    why = f"{error.get('Error', '')}: {message_of(error.get('Cause', ''))}"
    cause = f"the run broke before it began: {why}. Nothing was changed."
    return report, Ending("SyncIncomplete", cause, "starting")


def _first_failures(folder: RunFolder, files: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the first keys that were not synchronised, as the failure files name them."""
    failures: list[Any] = []
    for file in files:
        if len(failures) >= reporting.NAMED_KEYS:
            break
        failures += folder.read_lines(file)
    return failures[: reporting.NAMED_KEYS]
