"""Deleting orphans: asked for at the source once more, then deleted on the condition that they are still what was listed.

Unknown is not absent: only a 404 of the source, from a bucket that is still there, makes a key an orphan. Anything else
keeps the object and is a failure.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared.apply.in_flight import Gate
from lambda_functions.shared.errors import (
    describe,
    explain,
    is_missing_key,
    is_refusal,
    is_throttled,
    is_transient,
)
from lambda_functions.shared.invocation import Turn, run_jobs
from lambda_functions.shared.option_rules import MAX_KEY_BYTES
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients, extra_headers
from lambda_functions.shared.s3.heads import head_object, require_bucket
from lambda_functions.shared.work_items import ToDelete

# The most that one request deletes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
BATCH_KEYS = 1000
HEAD_THREADS = 32
DELETE_THREADS = 32
MAX_TRIES = 4
TOO_BUSY = f"S3 was too busy {MAX_TRIES} times"
TOO_LATE = "its worker's time was over before S3 had said that it was"
UNKNOWN = "whether the source has it is unknown"
# Characters that XML 1.0 cannot hold or that its readers turn into others (https://www.w3.org/TR/xml/#charsets).
_NOT_IN_XML = re.compile("[\x00-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Deleter:
    """Deletes orphans of one run; the gate says how many are asked for at once, and how many a batch has."""

    clients: Clients
    run: Run
    turn: Turn
    sleep: Callable[[float], None] = time.sleep
    gate: Gate = field(default_factory=lambda: Gate.begin(HEAD_THREADS))

    def delete(self, items: Sequence[ToDelete]) -> list[Outcome]:
        """Delete at most 1,000 listed orphans; return an outcome for each, in no particular order.

        Of a run that is to stop before the first delete, none: asking the source has changed nothing, so they were not begun.
        """
        outcomes, orphans = self._split_by_source(items)
        if self.turn.is_stopped():
            return []
        try:
            if orphans:
                require_bucket(self.clients.source, self.run.source)
        except Exception as error:  # unknown is not absent
            return outcomes + [_failure(item, f"{UNKNOWN}: {explain(error)}") for item in orphans]
        return outcomes + self._delete_orphans(orphans)

    def _split_by_source(self, items: Sequence[ToDelete]) -> tuple[list[Outcome], list[ToDelete]]:
        """HEAD every key at the source; return outcomes of those that stay, and the orphans."""
        checks: dict[int, Outcome | None] = dict(
            run_jobs(
                items, self._check_source, _timeout_failure, self.turn, HEAD_THREADS, limit=self.gate.limit
            )
        )
        results = [(item, checks.get(index, _timeout_failure(item))) for index, item in enumerate(items)]
        return [outcome for _, outcome in results if outcome], [
            item for item, outcome in results if not outcome
        ]

    def _check_source(self, item: ToDelete) -> Outcome | None:
        """Return None if the source does not have this key, else why it stays."""
        if not 1 <= len(self.run.source.key(item.key).encode()) <= MAX_KEY_BYTES:
            return None
        try:
            answer = head_object(self.clients.source, self.run.source, item.key)
        except Exception as error:  # unknown is not absent
            return _failure(item, f"{UNKNOWN}: {explain(error)}")
        if answer is None:
            return None
        why = "the source has got this key since it was listed; it was not deleted"
        return Outcome(item.key, "changed", 0, why)

    def _delete_orphans(self, orphans: Sequence[ToDelete]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        batch, why = [item for item in orphans if self._fits_into_batch(item)], TOO_BUSY
        for attempt in range(MAX_TRIES):
            if not batch or self.turn.is_stopped():
                break
            if attempt:
                self.sleep(random.uniform(0, 2**attempt))
            done, batch, why = self._delete_batch(batch)
            outcomes += done
        outcomes += [self._left_over(item, why) for item in batch]
        return outcomes + self._delete_singles([item for item in orphans if not self._fits_into_batch(item)])

    def _fits_into_batch(self, item: ToDelete) -> bool:
        """Whether DeleteObjects can carry a key and the condition on it, which botocore may be too old for."""
        is_known = "ETag" in _members_of_a_key(self.clients.destination)
        return is_known and not _NOT_IN_XML.search(self.run.destination.key(item.key))

    def _delete_singles(self, items: Sequence[ToDelete]) -> list[Outcome]:
        """Send a DeleteObject for each; what the turn has no time for is a failure that says so."""
        done = dict(run_jobs(items, self._delete_single, _late_failure, self.turn, DELETE_THREADS))
        return [done.get(index) or self._left_over(item, TOO_LATE) for index, item in enumerate(items)]

    def _left_over(self, item: ToDelete, why: str) -> Outcome:
        """Return the outcome of an orphan that was not deleted: the run was to stop, or else why."""
        if self.turn.is_stopped():
            return Outcome(item.key, "stopped", 0, "not deleted: the run was stopped before")
        return _failure(item, why)

    def _delete_batch(self, items: Sequence[ToDelete]) -> tuple[list[Outcome], list[ToDelete], str]:
        """Send one DeleteObjects; return outcomes, the items that are worth another try, and why if that was the last one."""
        by_key = {self.run.destination.key(item.key): item for item in items}
        objects = [{"Key": key, "ETag": f'"{item.etag}"'} for key, item in by_key.items()]
        parameters = self.run.destination.parameters()
        try:
            answer = self.clients.destination.delete_objects(**parameters, Delete={"Objects": objects})
        except (ClientError, BotoCoreError) as error:
            return [_failure(item, describe(error)) for item in items], [], TOO_BUSY
        return self._read_answer(by_key, answer)

    def _read_answer(
        self, by_key: Mapping[str, ToDelete], answer: Mapping[str, Any]
    ) -> tuple[list[Outcome], list[ToDelete], str]:
        """Read the answer key by key; a key that it does not speak of is not known to be deleted, so it is asked again.

        Both lists may name a key or not: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Error.html
        """
        errors = {error.get("Key", ""): _error_of(error) for error in answer.get("Errors", ())}
        deleted = {one.get("Key", ""): bool(one.get("DeleteMarker")) for one in answer.get("Deleted", ())}
        if any(map(is_throttled, errors.values())):
            self.gate.slow_down()
        outcomes, again = [], []
        for key, item in by_key.items():
            if key in deleted:
                outcomes.append(_success(item, deleted[key]))
            elif key not in errors or is_transient(errors[key]):
                again.append(item)
            else:
                outcomes.append(self._judge_error(item, errors[key]))
        return outcomes, again, _why_left(by_key, errors)

    def _judge_error(self, item: ToDelete, error: Exception) -> Outcome:
        """Judge one key's error: gone is deleted, another ETag is somebody else's object."""
        if is_missing_key(error):
            return _success(item)
        return self._check_destination(item) if is_refusal(error) else _failure(item, describe(error))

    def _check_destination(self, item: ToDelete) -> Outcome:
        try:
            answer = head_object(self.clients.destination, self.run.destination, item.key)
        except (ClientError, BotoCoreError) as error:
            return _failure(item, describe(error))
        if answer is None:
            return _success(item)
        why = "the destination was written by somebody else after it was listed"
        return Outcome(item.key, "changed", 0, why)

    def _delete_single(self, item: ToDelete) -> Outcome:
        for attempt in range(MAX_TRIES):
            if attempt and self.turn.is_stopped():
                break
            if attempt:
                self.sleep(random.uniform(0, 2**attempt))
            outcome = self._try_single(item)
            if outcome:
                return outcome
        return self._left_over(item, TOO_BUSY)

    def _try_single(self, item: ToDelete) -> Outcome | None:
        """Send one DeleteObject; return None if that is worth another try."""
        try:
            with extra_headers("DeleteObject", {"If-Match": f'"{item.etag}"'}):
                parameters = self.run.destination.object_parameters(item.key)
                answer = self.clients.destination.delete_object(**parameters)
        except (ClientError, BotoCoreError) as error:
            if is_transient(error):
                return None
            return self._check_destination(item) if is_refusal(error) else _failure(item, describe(error))
        return _success(item, bool(answer.get("DeleteMarker")))


def batches(items: Sequence[ToDelete], gate: Gate) -> Iterator[Sequence[ToDelete]]:
    """Yield the items in batches of at most 1,000, and of fewer where the gate has fewer places.

    S3 counts every key of DeleteObjects as a write. A smaller batch also takes no longer where fewer keys are asked for at once.
    """
    start = 0
    while start < len(items):
        end = start + gate.share(BATCH_KEYS)
        yield items[start:end]
        start = end


def _error_of(answer: Mapping[str, Any]) -> ClientError:
    """Return what S3 answered for one key as the error that it would be for a request of its own."""
    return ClientError({"Error": answer}, "DeleteObjects")


def _why_left(by_key: Mapping[str, ToDelete], errors: Mapping[str, Exception]) -> str:
    """Return why keys are left over: what S3 says of no key that it was asked for, if it says that; else it was too busy."""
    strange = [describe(error) for key, error in errors.items() if key not in by_key]
    return f"S3 did not say which key it means by {strange[0]}" if strange else TOO_BUSY


def _success(item: ToDelete, left_marker: bool = False) -> Outcome:
    return Outcome(item.key, "deleted", item.size, left_marker=left_marker)


def _failure(item: ToDelete, why: str) -> Outcome:
    return Outcome(item.key, "failed", 0, f"not deleted: {why}")


def _timeout_failure(item: ToDelete) -> Outcome:
    return _failure(item, f"{UNKNOWN}: its worker's time was over before it could be asked")


def _late_failure(item: ToDelete) -> Outcome:
    return _failure(item, TOO_LATE)


def _members_of_a_key(client: Any) -> Mapping[str, Any]:
    """Return what this client's botocore can say of a key in DeleteObjects."""
    members: Mapping[str, Any] = client.meta.service_model.shape_for("ObjectIdentifier").members
    return members
