"""Deleting orphans: asked for at the source once more, then deleted on the condition that they are still what was listed.

Unknown is not absent: only a 404 of the source, from a bucket that is still there, makes a key an orphan. Anything else
keeps the object and is a failure.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared.apply.conflicts import is_refusal
from lambda_functions.shared.errors import code_of, describe, explain
from lambda_functions.shared.invocation import Turn, run_jobs
from lambda_functions.shared.options import MAX_KEY_BYTES
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients, extra_headers
from lambda_functions.shared.s3.heads import head, require_bucket

# The most that one request deletes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
BATCH_KEYS = 1000
ASKERS = 32
TRIES = 4
UNKNOWN = "whether the source has it is unknown"
# Answers for one key of a batch that are worth another try; botocore repeats whole requests only.
# A conflict does not say that the object is another one: the next try, under the same condition, does.
PASSING = (
    "InternalError",
    "SlowDown",
    "ServiceUnavailable",
    "OperationAborted",
    "RequestTimeout",
    "ConditionalRequestConflict",
)
# Characters that XML 1.0 cannot hold or that its readers turn into others (https://www.w3.org/TR/xml/#charsets).
_NOT_FOR_XML = re.compile("[\x00-\x1f\ufffe\uffff]")

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Deleter:
    """Deletes orphans of one run."""

    clients: Clients
    run: Run
    turn: Turn
    sleep: Callable[[float], None] = time.sleep

    def delete(self, lines: Sequence[Line]) -> list[Outcome]:
        """Delete at most 1,000 listed orphans; return an outcome for each, in no particular order."""
        outcomes, orphans = self._ask(lines)
        try:
            if orphans:
                require_bucket(self.clients.source, self.run.source)
        except Exception as error:  # unknown is not absent
            return outcomes + [_kept(line, f"{UNKNOWN}: {explain(error)}") for line in orphans]
        return outcomes + self._delete_orphans(orphans)

    def _ask(self, lines: Sequence[Line]) -> tuple[list[Outcome], list[Line]]:
        """HEAD every key at the source; return outcomes of those that stay, and the orphans."""
        answers: dict[int, Outcome | None] = dict(run_jobs(lines, self._asked, _not_asked, self.turn, ASKERS))
        kept = [answers[index] if index in answers else _not_asked(line) for index, line in enumerate(lines)]
        stays = [answer for answer in kept if answer]
        return stays, [line for line, answer in zip(lines, kept, strict=True) if answer is None]

    def _asked(self, line: Line) -> Outcome | None:
        """Return None if the source does not have this key, else why it stays."""
        if not 1 <= len(self.run.source.key(line["key"]).encode()) <= MAX_KEY_BYTES:
            return None
        try:
            found = head(self.clients.source, self.run.source, line["key"])
        except Exception as error:  # unknown is not absent
            return _kept(line, f"{UNKNOWN}: {explain(error)}")
        if found is None:
            return None
        return Outcome(
            line["key"], "changed", 0, "the source has got this key since it was listed; it was not deleted"
        )

    def _delete_orphans(self, orphans: Sequence[Line]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        together = [
            line for line in orphans if not _NOT_FOR_XML.search(self.run.destination.key(line["key"]))
        ]
        for attempt in range(TRIES):
            if not together:
                break
            if attempt:
                self.sleep(random.uniform(0, 2**attempt))
            done, together = self._delete_together(together)
            outcomes += done
        outcomes += [_kept(line, f"S3 was too busy {TRIES} times") for line in together]
        alone = (line for line in orphans if _NOT_FOR_XML.search(self.run.destination.key(line["key"])))
        return outcomes + [self._delete_alone(line) for line in alone]

    def _delete_together(self, lines: Sequence[Line]) -> tuple[list[Outcome], list[Line]]:
        """Send one DeleteObjects; return outcomes, and the lines that are worth another try."""
        by_key = {self.run.destination.key(line["key"]): line for line in lines}
        listed = [{"Key": key, "ETag": f'"{line["etag"]}"'} for key, line in by_key.items()]
        parameters = self.run.destination.parameters()
        try:
            answer = self.clients.destination.delete_objects(**parameters, Delete={"Objects": listed})
        except (ClientError, BotoCoreError) as error:
            return [_kept(line, describe(error)) for line in lines], []
        errors = {error["Key"]: error for error in answer.get("Errors", ())}
        gone = {one["Key"]: bool(one.get("DeleteMarker")) for one in answer.get("Deleted", ())}
        deleted = [_deleted(line, gone[key]) for key, line in by_key.items() if key in gone]
        # A key that the answer does not speak of is not known to be deleted: it is asked again.
        again = [line for key, line in by_key.items() if key not in gone and _is_passing(errors.get(key))]
        refused = [
            self._refused(by_key[key], error) for key, error in errors.items() if not _is_passing(error)
        ]
        return deleted + refused, again

    def _refused(self, line: Line, error: Mapping[str, Any]) -> Outcome:
        """Judge one key's error: gone is deleted, another ETag is somebody else's object."""
        code = error.get("Code", "")
        if code == "NoSuchKey":
            return _deleted(line)
        if code == "PreconditionFailed":
            return self._looked_at(line)
        return _kept(line, f"{code}: {error.get('Message', '')} (DeleteObjects)")

    def _looked_at(self, line: Line) -> Outcome:
        try:
            found = head(self.clients.destination, self.run.destination, line["key"])
        except (ClientError, BotoCoreError) as error:
            return _kept(line, describe(error))
        if found is None:
            return _deleted(line)
        return Outcome(
            line["key"], "changed", 0, "the destination was written by somebody else after it was listed"
        )

    def _delete_alone(self, line: Line) -> Outcome:
        for attempt in range(TRIES):
            if attempt:
                self.sleep(random.uniform(0, 2**attempt))
            outcome = self._try_alone(line)
            if outcome:
                return outcome
        return _kept(line, f"S3 was too busy {TRIES} times")

    def _try_alone(self, line: Line) -> Outcome | None:
        """Send one DeleteObject; return None if that is worth another try."""
        try:
            with extra_headers("DeleteObject", {"If-Match": f'"{line["etag"]}"'}):
                answer = self.clients.destination.delete_object(**self.run.destination.at(line["key"]))
        except ClientError as error:
            if code_of(error) in PASSING:
                return None
            return self._looked_at(line) if is_refusal(error) else _kept(line, describe(error))
        except BotoCoreError as error:
            return _kept(line, describe(error))
        return _deleted(line, bool(answer.get("DeleteMarker")))


def batches(lines: Sequence[Line]) -> Iterable[Sequence[Line]]:
    """Yield the lines in batches of at most 1,000."""
    return (lines[start : start + BATCH_KEYS] for start in range(0, len(lines), BATCH_KEYS))


def _not_asked(line: Line) -> Outcome:
    return _kept(line, f"{UNKNOWN}: its worker's time was over before it could be asked")


def _is_passing(error: Mapping[str, Any] | None) -> bool:
    return error is None or error.get("Code") in PASSING


def _deleted(line: Line, left_marker: bool = False) -> Outcome:
    return Outcome(line["key"], "deleted", line["size"], left_marker=left_marker)


def _kept(line: Line, why: str) -> Outcome:
    return Outcome(line["key"], "failed", 0, f"not deleted: {why}")
