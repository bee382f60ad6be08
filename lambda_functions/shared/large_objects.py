"""Copying one very large object with many workers: begin, groups of parts at the same time, complete; or abort.

    begin      opens the upload, writes how it is to be done into `large/<id>-<attempt>.json`
    parts      copies one group, writes the parts it made into `large/<id>-<attempt>-<first>.json`
    complete   puts the groups together and leaves the record `copied/<id>-0.json`
    abort      gives up, and leaves that record as well

A group that could not be copied says why in its file instead of failing its worker, so that one object never stops others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared import multipart, parts, uploads
from lambda_functions.shared.clients import Clients
from lambda_functions.shared.copying import COPIERS, TRIES, seconds_needed
from lambda_functions.shared.errors import describe
from lambda_functions.shared.multipart import CopiedPart, Plan, SourceChanged
from lambda_functions.shared.outcomes import Outcome, Tally, add_counts
from lambda_functions.shared.parts import Part
from lambda_functions.shared.refusals import BucketMissing, Judgement, Verdict, is_refusal, judge
from lambda_functions.shared.run import Run
from lambda_functions.shared.run_folder import RunFolder
from lambda_functions.shared.shard_turns import record_name, write_failures
from lambda_functions.shared.turn import Turn, run_jobs

DONE: dict[str, Any] = {"verdict": "done", "groups": [], "exact": False, "upload": ""}
Line = Mapping[str, Any]
Paper = Mapping[str, Any]


@dataclass(frozen=True)
class LargeObject:
    """One step in the copy of one object; `name` is its id in the index, such as `large-000001`."""

    clients: Clients
    run: Run
    folder: RunFolder
    turn: Turn
    name: str

    def begin(self, line: Line, exact: bool) -> dict[str, Any]:
        """Open the upload; return `{"verdict": "copy", "upload": name of its file, "groups": [{"first", "last"}]}`."""
        if self.folder.read(record_name("copied", self.name, 0)):
            return DONE
        for _ in range(TRIES):
            try:
                return self._open(line, multipart.plan(self.clients, self.run, line, exact))
            except (SourceChanged, ClientError) as error:
                if isinstance(error, ClientError) and not is_refusal(error):
                    raise
                judgement = judge(self.clients, self.run, line)
            if judgement.verdict is not Verdict.SOURCE_CHANGED:
                return self._end(_outcome(judgement))
            line = judgement.line
        return self._end(
            Outcome(line["key"], "changed", 0, f"the source changed {TRIES} times while it was read")
        )

    def copy_parts(self, upload_name: str, group: Mapping[str, int]) -> None:
        """Copy one group and write down what it made, unless that is written already."""
        name = _group_name(upload_name, group["first"])
        if self.folder.read(name) is None:
            upload = self.folder.read(upload_name)
            wanted = [part for part in _parts_of(upload) if group["first"] <= part.number <= group["last"]]
            self.folder.record(name, self._copy_group(upload, wanted))

    def complete(self, upload_name: str) -> dict[str, Any]:
        """Put the parts together; `{"verdict": "again", "exact": true}` if they were guessed wrongly."""
        upload = self.folder.read(upload_name)
        line, upload_id = upload["line"], upload["uploadId"]
        groups = [self.folder.read(_group_name(upload_name, group["first"])) for group in upload["groups"]]
        problems = [group["problem"] for group in groups if group["problem"]]
        copied = [CopiedPart.from_json(part) for group in groups for part in group["parts"]]
        papers = [upload, *groups]
        if problems:
            return self._judged(line, upload_id, problems[0], papers)
        if upload["guessed"] and not multipart.explains(line, copied):
            self._give_up(line, upload_id)
            return {"verdict": "again", "exact": True, "groups": [], "upload": ""}
        return self._finish(upload, copied, papers)

    def abort(self, line: Line, upload_name: str, why: str) -> dict[str, Any]:
        """Give up after an error of a worker; the object is a failure, named."""
        upload = self.folder.read(upload_name) if upload_name else None
        if upload:
            self._give_up(line, upload["uploadId"])
        return self._end(Outcome(line["key"], "failed", 0, why))

    def _open(self, line: Line, how: Plan) -> dict[str, Any]:
        upload_id = multipart.begin(self.clients, self.run, line, how)
        uploads.remember(self.folder, self.run.destination, line["key"], upload_id)
        name = f"large/{self.name}-{self.turn.attempt}.json"
        groups = parts.groups(how.parts)
        sizes = [part.size for part in how.parts]
        wanted = {"line": line, "uploadId": upload_id, "sizes": sizes, "groups": groups}
        self.folder.write(
            name, {**wanted, "guessed": how.are_guessed, "tagging": how.tagging, **self._spent()}
        )
        return {"verdict": "copy", "upload": name, "groups": groups, "exact": False}

    def _copy_group(self, upload: Mapping[str, Any], wanted: Sequence[Part]) -> dict[str, Any]:
        def copy(part: Part) -> CopiedPart | str:
            try:
                return multipart.copy_part(self.clients, self.run, upload["line"], upload["uploadId"], part)
            except (ClientError, BotoCoreError, OSError) as error:
                return describe(error)

        def too_late(part: Part) -> str:
            return f"part {part.number} had not ended when its worker's time was over"

        def needed(part: Part) -> float:
            return seconds_needed({"size": part.size})

        made = [outcome for _, outcome in run_jobs(wanted, copy, too_late, self.turn, COPIERS, needed)]
        problems = [outcome for outcome in made if isinstance(outcome, str)]
        if not problems and len(made) < len(wanted):
            problems = [f"{len(wanted) - len(made)} of {len(wanted)} parts did not fit into a worker's time"]
        copied = sorted((part for part in made if isinstance(part, CopiedPart)), key=lambda part: part.number)
        return {
            "parts": [part.to_json() for part in copied],
            "problem": problems[0] if problems else "",
            **self._spent(),
        }

    def _finish(self, upload: Paper, copied: Sequence[CopiedPart], papers: Sequence[Paper]) -> dict[str, Any]:
        line, upload_id = upload["line"], upload["uploadId"]
        how = Plan([], {}, upload["tagging"], upload["guessed"])
        try:
            multipart.finish(self.clients, self.run, line, how, upload_id, copied)
        except ClientError as error:
            return self._judged(line, upload_id, describe(error), papers)
        uploads.forget(self.folder, upload_id)
        return self._end(Outcome(line["key"], "copied", line["size"]), papers)

    def _judged(self, line: Line, upload_id: str, problem: str, papers: Sequence[Paper]) -> dict[str, Any]:
        """Look at both objects after a problem: the source may have moved on, or an earlier try may have succeeded."""
        try:
            judgement = judge(self.clients, self.run, line)
        except (BucketMissing, ClientError, BotoCoreError):
            judgement = Judgement(Verdict.DESTINATION_CHANGED, line)
        self._give_up(line, upload_id)
        if judgement.verdict in (Verdict.COPIED, Verdict.VANISHED):
            return self._end(_outcome(judgement), papers)
        if judgement.verdict is Verdict.SOURCE_CHANGED:
            return self._end(
                Outcome(line["key"], "changed", 0, "the source changed while its parts were copied"), papers
            )
        return self._end(Outcome(line["key"], "failed", 0, problem), papers)

    def _give_up(self, line: Line, upload_id: str) -> None:
        try:
            multipart.abort(self.clients, self.run, line["key"], upload_id)
            uploads.forget(self.folder, upload_id)
        except (ClientError, BotoCoreError):
            return  # it stays on the list of uploads, and the report tries again

    def _spent(self) -> dict[str, Any]:
        """Return what this step has cost so far; the last step adds up what the papers of all steps say."""
        return {"requests": self.clients.requests.counts(), "seconds": round(self.turn.elapsed_seconds(), 3)}

    def _end(self, outcome: Outcome, papers: Sequence[Paper] = ()) -> dict[str, Any]:
        spent = [*papers, self._spent()]
        tally = Tally()
        tally.add(outcome)
        record = {
            "shard": self.name,
            "start": 0,
            "next": 1,
            "tally": tally.to_json(),
            "failures": write_failures(self.folder, self.name, self.turn, tally),
            "requests": add_counts(paper["requests"] for paper in spent),
            "seconds": sum(paper["seconds"] for paper in spent),
        }
        self.folder.record(record_name("copied", self.name, 0), record)
        return DONE


def _group_name(upload_name: str, first: int) -> str:
    return f"{upload_name.removesuffix('.json')}-{first}.json"


def _parts_of(upload: Mapping[str, Any]) -> list[Part]:
    return parts.of_sizes(upload["sizes"])


def _outcome(judgement: Judgement) -> Outcome:
    line = judgement.line
    if judgement.verdict is Verdict.COPIED:
        return Outcome(line["key"], "copied", line["size"])
    if judgement.verdict is Verdict.VANISHED:
        return Outcome(line["key"], "vanished", 0, "the source object was gone when it was to be copied")
    return Outcome(
        line["key"], "changed", 0, "the destination was written by somebody else after it was listed"
    )
