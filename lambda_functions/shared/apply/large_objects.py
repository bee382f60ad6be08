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
from dataclasses import asdict, dataclass
from typing import Any

from lambda_functions.shared.apply import multipart, parts, uploads
from lambda_functions.shared.apply.conflicts import (
    TRIES,
    PartsMissing,
    Verdict,
    is_judged,
    judge,
    outcome_of_error,
)
from lambda_functions.shared.apply.copier import COPIERS, seconds_needed
from lambda_functions.shared.apply.multipart import CopiedPart, Plan, Upload
from lambda_functions.shared.apply.parts import Part
from lambda_functions.shared.errors import explain
from lambda_functions.shared.invocation import Turn, run_jobs
from lambda_functions.shared.outcomes import Outcome, Tally, add_counts
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import failure_writer, outcome_of, record_name

Line = Mapping[str, Any]
Paper = Mapping[str, Any]
State = dict[str, Any]


@dataclass(frozen=True)
class LargeObject:
    """One step in the copy of one object; `name` is its id in the index, such as `large-000001`."""

    clients: Clients
    run: Run
    folder: RunFolder
    turn: Turn
    name: str

    def begin(self, line: Line, exact: bool, tries: int) -> State:
        """Open the upload; return `{"verdict": "copy", "upload": name of its file, "groups": [{"first", "last"}]}`."""
        if self.folder.read(record_name("copied", self.name, 0)):
            return _state("done", line)
        try:
            how = multipart.plan(self.clients, self.run, line, exact)
            return self._open(line, how, exact, tries, multipart.begin(self.clients, self.run, line, how))
        except Exception as error:  # whatever happens to one object must not end the others
            return self._after(line, exact, tries, error, [])

    def copy_parts(self, upload_name: str, group: Mapping[str, int]) -> None:
        """Copy one group and write down what it made, unless that is written already."""
        name = _group_name(upload_name, group["first"])
        if self.folder.read(name) is None:
            paper = self.folder.require(upload_name)
            wanted = [
                part
                for part in parts.of_sizes(paper["sizes"])
                if group["first"] <= part.number <= group["last"]
            ]
            self.folder.record(name, self._copy_group(paper, wanted))

    def complete(self, upload_name: str) -> State:
        """Put the parts together; `{"verdict": "again"}` if they were guessed wrongly, or the source has moved on."""
        paper = self.folder.require(upload_name)
        groups = [self.folder.require(_group_name(upload_name, group["first"])) for group in paper["groups"]]
        line, papers = paper["line"], [paper, *groups]
        try:
            again = self._finish(paper, groups)
        except Exception as error:
            uploads.give_up(self.clients, self.run, line["key"], paper["uploadId"])
            return self._after(line, paper["exact"], paper["tries"], error, papers)
        if again:
            return again
        uploads.forget(self.folder, paper["uploadId"])
        return self._end(line, Outcome(line["key"], "copied", line["size"]), papers)

    def abort(self, line: Line, upload_name: str, why: str) -> State:
        """Give up after a worker's own end; the object is a failure, named."""
        paper = self.folder.read(upload_name) if upload_name else None
        if paper:
            uploads.give_up(self.clients, self.run, line["key"], paper["uploadId"])
        return self._end(line, Outcome(line["key"], "failed", 0, why), [])

    def _open(self, line: Line, how: Plan, exact: bool, tries: int, upload: Upload) -> State:
        uploads.remember(self.folder, self.run.destination, line["key"], upload.id)
        how = multipart.settled(self.clients, self.run, line, how, upload)
        name = f"large/{self.name}-{self.turn.attempt}.json"
        groups = parts.groups(how.parts)
        wanted = {
            "line": line,
            "uploadId": upload.id,
            "sizes": [part.size for part in how.parts],
            "groups": groups,
        }
        doubts = {
            "exact": exact,
            "guessed": how.are_guessed,
            "provable": upload.is_provable,
            "tagging": how.tagging,
            "tries": tries,
        }
        self.folder.write(name, {**wanted, **doubts, **self._spent()})
        return {**_state("copy", line, exact, tries), "upload": name, "groups": groups}

    def _copy_group(self, paper: Paper, wanted: Sequence[Part]) -> dict[str, Any]:
        def copy(part: Part) -> CopiedPart | _Problem:
            try:
                return multipart.copy_part(self.clients, self.run, paper["line"], paper["uploadId"], part)
            except Exception as error:
                return _Problem(explain(error), outcome_of_error(paper["line"], error).what)

        def too_late(part: Part) -> _Problem:
            return _Problem(f"part {part.number} had not ended when its worker's time was over")

        def needed(part: Part) -> float:
            return seconds_needed({"size": part.size})

        made = [outcome for _, outcome in run_jobs(wanted, copy, too_late, self.turn, COPIERS, needed)]
        problems = [outcome for outcome in made if isinstance(outcome, _Problem)]
        if not problems and len(made) < len(wanted):
            missing = len(wanted) - len(made)
            problems = [_Problem(f"{missing} of {len(wanted)} parts did not fit into a worker's time")]
        copied = sorted((part for part in made if isinstance(part, CopiedPart)), key=lambda part: part.number)
        problem = asdict(problems[0]) if problems else None
        return {"parts": [part.to_json() for part in copied], "problem": problem, **self._spent()}

    def _finish(self, paper: Paper, groups: Sequence[Paper]) -> State | None:
        """Complete the upload; return a state only if the parts were guessed wrongly and all has to begin again."""
        problems = [group["problem"] for group in groups if group["problem"]]
        if problems:
            raise PartsMissing(**problems[0])
        line = paper["line"]
        copied = [CopiedPart.from_json(part) for group in groups for part in group["parts"]]
        upload = Upload(paper["uploadId"], paper["provable"])
        if paper["guessed"] and not multipart.explains(line, upload, copied):
            uploads.give_up(self.clients, self.run, line["key"], upload.id)
            return _state("again", line, True, paper["tries"])
        multipart.finish(self.clients, self.run, line, upload.id, copied)
        multipart.put_long_tags(self.clients, self.run, line, paper["tagging"])
        return None

    def _after(self, line: Line, exact: bool, tries: int, error: Exception, papers: Sequence[Paper]) -> State:
        """Look at both objects after an error: begin again where that may help, else end."""
        if isinstance(error, PartsMissing) and error.what == "archived":
            return self._end(line, Outcome(line["key"], "archived", 0, str(error)), papers)
        if not is_judged(error):
            return self._end(line, outcome_of_error(line, error), papers)
        try:
            judgement = judge(self.clients, self.run, line, error)
            if judgement.verdict is Verdict.COPIED:
                multipart.repeat_long_tags(self.clients, self.run, line)
        except Exception as unknown:
            return self._end(line, outcome_of_error(line, unknown), papers)
        if judgement.verdict is Verdict.AGAIN and tries + 1 < TRIES:
            return _state("again", judgement.line, exact, tries + 1)
        return self._end(line, judgement.outcome, papers)

    def _spent(self) -> dict[str, Any]:
        """Return what this step has cost so far; the last step adds up what the papers of all steps say."""
        return {"requests": self.clients.requests.counts(), "seconds": round(self.turn.elapsed_seconds(), 3)}

    def _end(self, line: Line, outcome: Outcome, papers: Sequence[Paper]) -> State:
        writer = failure_writer(self.folder, self.name, self.turn.attempt)
        tally = Tally(writer)
        tally.add(outcome)
        own = outcome_of(tally, writer, self.turn, self.clients)
        spent = {
            "requests": add_counts(paper["requests"] for paper in [*papers, own]),
            "seconds": sum(paper["seconds"] for paper in [*papers, own]),
        }
        record = {"shard": self.name, "start": 0, "next": 1, **own, **spent}
        self.folder.record(record_name("copied", self.name, 0), record)
        return _state("done", line)


@dataclass(frozen=True)
class _Problem:
    """Why a part was not copied, and the outcome that this would be for the object."""

    why: str
    what: str = "failed"


def _state(verdict: str, line: Line, exact: bool = False, tries: int = 0) -> State:
    """Return what travels; `exact`, once needed, stays, so that an object is begun four times at most."""
    return {"verdict": verdict, "line": line, "exact": exact, "tries": tries, "upload": "", "groups": []}


def _group_name(upload_name: str, first: int) -> str:
    return f"{upload_name.removesuffix('.json')}-{first}.json"
