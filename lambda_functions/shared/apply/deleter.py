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

from lambda_functions.shared.errors import (
    describe,
    explain,
    is_failed_condition,
    is_missing_key,
    is_refusal,
    is_transient,
)
from lambda_functions.shared.invocation import Turn, run_jobs
from lambda_functions.shared.options import MAX_KEY_BYTES
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients, extra_headers
from lambda_functions.shared.s3.heads import head_object, require_bucket
from lambda_functions.shared.work_items import ToDelete

# The most that one request deletes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
BATCH_KEYS = 1000
HEAD_THREADS = 32
TRIES = 4
UNKNOWN = "whether the source has it is unknown"
# Characters that XML 1.0 cannot hold or that its readers turn into others (https://www.w3.org/TR/xml/#charsets).
_NOT_FOR_XML = re.compile("[\x00-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Deleter:
    """Deletes orphans of one run."""

    clients: Clients
    run: Run
    turn: Turn
    sleep: Callable[[float], None] = time.sleep

    def delete(self, items: Sequence[ToDelete]) -> list[Outcome]:
        """Delete at most 1,000 listed orphans; return an outcome for each, in no particular order."""
        outcomes, orphans = self._ask(items)
        try:
            if orphans:
                require_bucket(self.clients.source, self.run.source)
        except Exception as error:  # unknown is not absent
            return outcomes + [_kept(item, f"{UNKNOWN}: {explain(error)}") for item in orphans]
        return outcomes + self._delete_orphans(orphans)

    def _ask(self, items: Sequence[ToDelete]) -> tuple[list[Outcome], list[ToDelete]]:
        """HEAD every key at the source; return outcomes of those that stay, and the orphans."""
        answers: dict[int, Outcome | None] = dict(
            run_jobs(items, self._asked, _not_asked, self.turn, HEAD_THREADS)
        )
        kept = [answers[index] if index in answers else _not_asked(item) for index, item in enumerate(items)]
        stays = [answer for answer in kept if answer]
        return stays, [item for item, answer in zip(items, kept, strict=True) if answer is None]

    def _asked(self, item: ToDelete) -> Outcome | None:
        """Return None if the source does not have this key, else why it stays."""
        if not 1 <= len(self.run.source.key(item.key).encode()) <= MAX_KEY_BYTES:
            return None
        try:
            found = head_object(self.clients.source, self.run.source, item.key)
        except Exception as error:  # unknown is not absent
            return _kept(item, f"{UNKNOWN}: {explain(error)}")
        if found is None:
            return None
        return Outcome(
            item.key, "changed", 0, "the source has got this key since it was listed; it was not deleted"
        )

    def _delete_orphans(self, orphans: Sequence[ToDelete]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        together = [item for item in orphans if not _NOT_FOR_XML.search(self.run.destination.key(item.key))]
        for attempt in range(TRIES):
            if not together:
                break
            if attempt:
                self.sleep(random.uniform(0, 2**attempt))
            done, together = self._delete_together(together)
            outcomes += done
        outcomes += [_kept(item, f"S3 was too busy {TRIES} times") for item in together]
        alone = (item for item in orphans if _NOT_FOR_XML.search(self.run.destination.key(item.key)))
        return outcomes + [self._delete_alone(item) for item in alone]

    def _delete_together(self, items: Sequence[ToDelete]) -> tuple[list[Outcome], list[ToDelete]]:
        """Send one DeleteObjects; return outcomes, and the items that are worth another try."""
        by_key = {self.run.destination.key(item.key): item for item in items}
        listed = [{"Key": key, "ETag": f'"{item.etag}"'} for key, item in by_key.items()]
        parameters = self.run.destination.parameters()
        try:
            answer = self.clients.destination.delete_objects(**parameters, Delete={"Objects": listed})
        except (ClientError, BotoCoreError) as error:
            return [_kept(item, describe(error)) for item in items], []
        errors = {error["Key"]: _error_of(error) for error in answer.get("Errors", ())}
        gone = {one["Key"]: bool(one.get("DeleteMarker")) for one in answer.get("Deleted", ())}
        deleted = [_deleted(item, gone[key]) for key, item in by_key.items() if key in gone]
        # A key that the answer does not speak of is not known to be deleted: it is asked again.
        again = [
            item for key, item in by_key.items()
            if key not in gone and (key not in errors or is_transient(errors[key]))
        ]  # fmt: skip
        refused = [
            self._refused(by_key[key], error) for key, error in errors.items() if not is_transient(error)
        ]
        return deleted + refused, again

    def _refused(self, item: ToDelete, error: Exception) -> Outcome:
        """Judge one key's error: gone is deleted, another ETag is somebody else's object."""
        if is_missing_key(error):
            return _deleted(item)
        return self._looked_at(item) if is_failed_condition(error) else _kept(item, describe(error))

    def _looked_at(self, item: ToDelete) -> Outcome:
        try:
            found = head_object(self.clients.destination, self.run.destination, item.key)
        except (ClientError, BotoCoreError) as error:
            return _kept(item, describe(error))
        if found is None:
            return _deleted(item)
        return Outcome(
            item.key, "changed", 0, "the destination was written by somebody else after it was listed"
        )

    def _delete_alone(self, item: ToDelete) -> Outcome:
        for attempt in range(TRIES):
            if attempt:
                self.sleep(random.uniform(0, 2**attempt))
            outcome = self._try_alone(item)
            if outcome:
                return outcome
        return _kept(item, f"S3 was too busy {TRIES} times")

    def _try_alone(self, item: ToDelete) -> Outcome | None:
        """Send one DeleteObject; return None if that is worth another try."""
        try:
            with extra_headers("DeleteObject", {"If-Match": f'"{item.etag}"'}):
                answer = self.clients.destination.delete_object(
                    **self.run.destination.object_parameters(item.key)
                )
        except ClientError as error:
            if is_transient(error):
                return None
            return self._looked_at(item) if is_refusal(error) else _kept(item, describe(error))
        except BotoCoreError as error:
            return _kept(item, describe(error))
        return _deleted(item, bool(answer.get("DeleteMarker")))


def batches(items: Sequence[ToDelete]) -> Iterable[Sequence[ToDelete]]:
    """Yield the items in batches of at most 1,000."""
    return (items[start : start + BATCH_KEYS] for start in range(0, len(items), BATCH_KEYS))


def _not_asked(item: ToDelete) -> Outcome:
    return _kept(item, f"{UNKNOWN}: its worker's time was over before it could be asked")


def _error_of(answer: Mapping[str, Any]) -> ClientError:
    """Return what S3 answered for one key as the error that it would be for a request of its own."""
    return ClientError({"Error": answer}, "DeleteObjects")


def _deleted(item: ToDelete, left_marker: bool = False) -> Outcome:
    return Outcome(item.key, "deleted", item.size, left_marker=left_marker)


def _kept(item: ToDelete, why: str) -> Outcome:
    return Outcome(item.key, "failed", 0, f"not deleted: {why}")
