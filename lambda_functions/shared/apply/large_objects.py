"""Copying one very large object with many workers: begin, groups of parts at the same time, complete; or abort.

    begin      opens the upload, writes how it is to be done into `large/<id>-<attempt>.json`
    parts      copies one group, writes the parts it made into `large/<id>-<attempt>-<first>.json`
    complete   puts the groups together and leaves the record `copied/<id>-0.json`, or has it all begun again
    abort      gives up, and leaves that record as well

A group that could not be copied says why in its file instead of failing its worker, so that one object never stops others.
What travels between the steps is a small state: `{"verdict", "line", "exact", "tries", "upload", "groups"}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lambda_functions.shared.apply import conflicts, parts, uploads
from lambda_functions.shared.apply.copier import COPY_THREADS, seconds_needed
from lambda_functions.shared.apply.in_flight import Gate
from lambda_functions.shared.apply.multipart import CopiedPart, MultipartCopy, Upload
from lambda_functions.shared.apply.opening import open_upload
from lambda_functions.shared.apply.parts import Part
from lambda_functions.shared.errors import explain
from lambda_functions.shared.invocation import Turn, run_jobs
from lambda_functions.shared.outcomes import Outcome, Tally, add_counts
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_bucket.heartbeat import Heartbeat, counts
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import failure_writer, record_name, turn_summary
from lambda_functions.shared.work_items import ToCopy

State = dict[str, Any]
# What a step has cost, as its file says: `{"requests": {"COPY": 3}, "seconds": 1.5, ...}`.
Usage = Mapping[str, Any]


@dataclass(frozen=True)
class UploadFile:
    """What `begin` writes for the other steps; `groups` as `group_parts` returns them, `sizes` those of all parts in bytes."""

    item: ToCopy
    upload: Upload
    sizes: Sequence[int]
    groups: Sequence[Mapping[str, int]]
    exact: bool
    are_guessed: bool
    tagging: str
    tries: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        line, upload = self.item.to_json(), self.upload
        parts = {"line": line, "uploadId": upload.id, "sizes": self.sizes, "groups": self.groups}
        doubts = {"exact": self.exact, "guessed": self.are_guessed, "provable": upload.is_provable}
        return {**parts, **doubts, "tagging": self.tagging, "tries": self.tries}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UploadFile:
        """Return what `to_json` wrote."""
        item, upload = ToCopy.from_json(data["line"]), Upload(data["uploadId"], data["provable"])
        names = ("sizes", "groups", "exact", "guessed", "tagging", "tries")
        return cls(item, upload, *(data[name] for name in names))


@dataclass(frozen=True)
class LargeObject:
    """One step in the copy of one object; `name` is its id in the index, such as `large-000001`."""

    clients: Clients
    run: Run
    folder: RunFolder
    turn: Turn
    name: str
    gate: Gate = field(default_factory=lambda: Gate.begin(COPY_THREADS))

    def begin(self, item: ToCopy, exact: bool, tries: int) -> State:
        """Open the upload; return `{"verdict": "copy", "upload": name of its file, "groups": [{"first", "last"}]}`."""
        if self.folder.read(record_name("copied", self.name, 0)):
            return _state("done", item)
        if self.turn.ends_map():
            return _state("stop", item)
        if self.turn.is_stopped():
            return self._end(
                item, Outcome(item.key, "stopped", 0, "the run was stopped before it was begun"), []
            )
        try:
            return self._create_upload(self._copy_of(item), exact, tries)
        except Exception as error:  # whatever happens to one object must not end the others
            return self._after_error(item, exact, tries, error, [])

    def copy_parts(self, upload_name: str, group: Mapping[str, int]) -> None:
        """Copy one group and write down what it made, unless that is written already."""
        name = _group_name(upload_name, group["first"])
        if self.folder.read(name) is None:
            file = UploadFile.from_json(self.folder.require(upload_name))
            members = parts.from_sizes(file.sizes)[group["first"] - 1 : group["last"]]
            item, record = f"{self.name}-{group['first']}", record_name("copied", self.name, 0)
            with Heartbeat(self.folder, item, record, has_last_word=True) as heartbeat:
                document = self._copy_group(file, members, heartbeat)
            self.folder.write_once(name, document)

    def complete(self, upload_name: str) -> State:
        """Put the parts together; `{"verdict": "again"}` if they were guessed wrongly, or the source has moved on."""
        data = self.folder.require(upload_name)
        file = UploadFile.from_json(data)
        groups = [self.folder.require(_group_name(upload_name, group["first"])) for group in file.groups]
        try:
            is_complete = self._complete(file, groups)
        except Exception as error:
            uploads.give_up(self.clients, self.run, file.item.key, file.upload.id)
            return self._after_error(file.item, file.exact, file.tries, error, [data, *groups])
        if not is_complete:
            uploads.give_up(self.clients, self.run, file.item.key, file.upload.id)
            return _state("again", file.item, True, file.tries)
        uploads.forget(self.folder, file.upload.id)
        return self._end(file.item, Outcome(file.item.key, "copied", file.item.size), [data, *groups])

    def abort(self, item: ToCopy, upload_name: str, why: str) -> State:
        """Give up after a worker's own end; the object is a failure, named."""
        data = self.folder.read(upload_name) if upload_name else None
        if data:
            uploads.give_up(self.clients, self.run, item.key, data["uploadId"])
        return self._end(item, Outcome(item.key, "failed", 0, why), [])

    def _copy_of(self, item: ToCopy) -> MultipartCopy:
        return MultipartCopy(self.clients, self.run, item)

    def _create_upload(self, copy: MultipartCopy, exact: bool, tries: int) -> State:
        item, plan = copy.item, copy.plan(exact)
        upload = open_upload(copy, self.folder, plan)
        plan = copy.with_exact_parts(plan, upload)
        name = f"large/{self.name}-{self.turn.attempt}.json"
        sizes, groups = [part.size for part in plan.parts], parts.group_parts(plan.parts)
        file = UploadFile(item, upload, sizes, groups, exact, plan.are_guessed, plan.tagging, tries)
        self.folder.write(name, {**file.to_json(), **self._usage()})
        return {**_state("copy", item, exact, tries), "upload": name, "groups": groups}

    def _copy_group(self, file: UploadFile, members: Sequence[Part], heartbeat: Heartbeat) -> dict[str, Any]:
        def copy(part: Part) -> CopiedPart | _Problem:
            try:
                return self._copy_of(file.item).copy_part(file.upload, part)
            except Exception as error:
                return _Problem(explain(error), conflicts.outcome_of_error(file.item, error).what)

        def timeout_outcome(part: Part) -> _Problem:
            return _Problem(f"part {part.number} had not ended when its worker's time was over")

        results, size_bytes = [], 0
        for index, result in run_jobs(
            members, copy, timeout_outcome, self.turn, COPY_THREADS, lambda part: seconds_needed(part.size),
            self.gate.limit,
        ):  # fmt: skip
            results.append(result)
            size_bytes += members[index].size if isinstance(result, CopiedPart) else 0
            heartbeat.beat(counts(size_bytes=size_bytes))
        problems = [result for result in results if isinstance(result, _Problem)]
        if not problems and len(results) < len(members):
            problems = [self._why_missing(len(members) - len(results), len(members))]
        copied = [result for result in results if isinstance(result, CopiedPart)]
        in_order = [part.to_json() for part in sorted(copied, key=lambda part: part.number)]
        return {"parts": in_order, "problem": asdict(problems[0]) if problems else None, **self._usage()}

    def _why_missing(self, missing: int, parts: int) -> _Problem:
        """Return why parts were not begun; an object of a run that is to stop is given up."""
        if self.turn.is_stopped():
            return _Problem(
                f"the run was stopped before {missing:,} of {parts:,} parts were begun", "stopped"
            )
        return _Problem(f"{missing} of {parts} parts did not fit into a worker's time")

    def _complete(self, file: UploadFile, groups: Sequence[Mapping[str, Any]]) -> bool:
        """Complete the upload; return False, with nothing done, if its parts turn out to be guessed wrongly."""
        problems = [group["problem"] for group in groups if group["problem"]]
        if problems:
            raise conflicts.PartsMissing(**problems[0])
        copied = [CopiedPart.from_json(part) for group in groups for part in group["parts"]]
        if [part.number for part in copied] != list(range(1, len(file.sizes) + 1)):
            # S3 would complete the upload all the same, as a shorter object.
            raise conflicts.PartsMissing(
                f"{len(copied)} of {len(file.sizes)} parts are in the files of its groups", "failed"
            )
        copy = self._copy_of(file.item)
        if file.are_guessed and not copy.etag_matches(file.upload, copied):
            return False
        copy.complete_upload(file.upload, copied)
        copy.finish(file.tagging)
        return True

    def _after_error(
        self, item: ToCopy, exact: bool, tries: int, error: Exception, steps: Sequence[Usage]
    ) -> State:
        """Look at both objects after an error: begin again where that may help, else end."""
        if isinstance(error, conflicts.PartsMissing) and error.what in ("archived", "stopped"):
            return self._end(item, Outcome(item.key, error.what, 0, str(error)), steps)
        if not conflicts.can_be_judged(self.clients, self.run, item, error):
            return self._end(item, conflicts.outcome_of_error(item, error), steps)
        try:
            judgement = conflicts.judge(self.clients, self.run, item, error)
            if judgement.verdict is conflicts.Verdict.COPIED:
                self._copy_of(item).finish_again()
        except Exception as unknown:
            return self._end(item, conflicts.outcome_of_error(item, unknown), steps)
        if judgement.verdict is conflicts.Verdict.AGAIN and tries + 1 < conflicts.MAX_TRIES:
            return _state("again", judgement.item, exact, tries + 1)
        return self._end(item, judgement.outcome, steps)

    def _usage(self) -> dict[str, Any]:
        """Return what this step has cost so far; the last step adds up what the files of all steps say."""
        return {
            "requests": self.clients.requests.counts(),
            "startedAt": self.turn.started_at(),
            "seconds": round(self.turn.elapsed_seconds(), 3),
        }

    def _end(self, item: ToCopy, outcome: Outcome, steps: Sequence[Usage]) -> State:
        writer = failure_writer(self.folder, self.name, self.turn.attempt)
        tally = Tally(writer)
        tally.add(outcome)
        own = turn_summary(tally, writer, self.turn, self.clients)
        total = {
            "requests": add_counts(step["requests"] for step in [*steps, own]),
            "startedAt": min(step["startedAt"] for step in [*steps, own]),
            "seconds": sum(step["seconds"] for step in [*steps, own]),
            "steps": [{name: step[name] for name in ("startedAt", "seconds")} for step in [*steps, own]],
        }
        record = {"shard": self.name, "start": 0, "next": 1, **own, **total}
        self.folder.write_once(record_name("copied", self.name, 0), record)
        return _state("done", item)


@dataclass(frozen=True)
class _Problem:
    """Why a part was not copied, and the outcome that this would be for the object."""

    why: str
    what: str = "failed"


def _state(verdict: str, item: ToCopy, exact: bool = False, tries: int = 0) -> State:
    """Return what travels; `exact`, once needed, stays, so that an object is begun four times at most."""
    line = item.to_json()
    return {"verdict": verdict, "line": line, "exact": exact, "tries": tries, "upload": "", "groups": []}


def _group_name(upload_name: str, first: int) -> str:
    return f"{upload_name.removesuffix('.json')}-{first}.json"
