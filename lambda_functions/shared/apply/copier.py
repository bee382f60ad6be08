"""Copying objects: one in one piece, one in parts, and a whole shard of them within a turn."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.apply import uploads
from lambda_functions.shared.apply.annotations import directive
from lambda_functions.shared.apply.conflicts import MAX_TRIES, Verdict, can_be_judged, judge, outcome_of_error
from lambda_functions.shared.apply.copy_parameters import (
    acl,
    copy_source,
    destination_condition,
    encryption,
    storage_class,
    tagging_directive,
    website_redirect,
)
from lambda_functions.shared.apply.in_flight import Gate
from lambda_functions.shared.apply.multipart import CopiedPart, MultipartCopy, MultipartPlan, Upload
from lambda_functions.shared.apply.object_lock import copies_locks, lock_headers
from lambda_functions.shared.apply.opening import open_upload
from lambda_functions.shared.apply.parts import MAX_COPY_BYTES, Part
from lambda_functions.shared.apply.restores import ask_for_restore
from lambda_functions.shared.errors import SourceChanged, Stopped, SyncError
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.checksums import COMPUTABLE
from lambda_functions.shared.s3.clients import Clients, extra_headers
from lambda_functions.shared.s3.etags import part_count
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_items import ToCopy

# One thread for each 32 MB of the worker's memory, because Lambda gives processor time with memory: 1,769 MB are one processor
# (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). A COPY takes it 0.8 ms and waits some 100 ms for S3.
COPY_THREADS = min(max(8, int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")) // 32), 64)
# The rate that a copy inside S3 is assumed to reach at least, to tell what a turn can hold. Measured by nobody here; a slower
# object is not lost, it is named as failed when its turn ends.
BYTES_PER_SECOND = 100 * 1024**2
SECONDS_PER_OBJECT = 2.0


@dataclass(frozen=True)
class Copier:
    """Copies objects of one run; parts of all its objects share one pool of threads, and the places of the gate."""

    clients: Clients
    run: Run
    folder: RunFolder
    turn: Turn
    sleep: Callable[[float], None] = time.sleep
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(COPY_THREADS, thread_name_prefix="part")
    )
    gate: Gate = field(default_factory=lambda: Gate.begin(COPY_THREADS))

    def copy(self, item: ToCopy) -> Outcome:
        """Copy one object; every way in which that can end is an outcome."""
        try:
            restoring = ask_for_restore(self.clients, self.run, item) if item.restore else None
            return restoring or self._copy_with_retries(item)
        except Exception as error:  # whatever happens to one object must not end the others
            return outcome_of_error(item, error)

    def _copy_with_retries(self, item: ToCopy) -> Outcome:
        """Copy; after a refusal look at both sides and, where that may help, try again."""
        judgement = None
        for attempt in range(MAX_TRIES):
            if attempt:
                self.sleep(random.uniform(0, 2 ** (attempt - 1)))
            if self.turn.is_over():
                return timeout_outcome(item)
            if attempt and self.turn.is_stopped():
                raise Stopped("the run was stopped before it could be tried again")
            try:
                self._copy_once(item)
                return Outcome(item.key, "copied", item.size)
            except (SourceChanged, ClientError) as error:
                if not can_be_judged(self.clients, self.run, item, error):
                    raise
                judgement = judge(self.clients, self.run, item, error)
            if judgement.verdict is not Verdict.AGAIN:
                break
            item = judgement.item
        assert judgement is not None
        if judgement.verdict is Verdict.COPIED and is_multipart(item):
            MultipartCopy(self.clients, self.run, item).finish_again()
        return judgement.outcome

    def _copy_once(self, item: ToCopy) -> None:
        if is_multipart(item):
            self._copy_in_parts(item)
        else:
            self._copy_whole(item)

    def _copy_whole(self, item: ToCopy) -> None:
        """One CopyObject; metadata and tags come along by themselves, class, Object Lock and website redirect do not."""
        head = self._head_if_needed(item)
        parameters = {
            **self.run.destination.object_parameters(item.key),
            **copy_source(self.run, item),
            **storage_class(self.run, item),
            **acl(self.run),
            **encryption(self.run),
            **tagging_directive(self.run),
            **website_redirect(item, head),
        }
        lock = lock_headers(self.clients, self.run, item, head)
        with extra_headers("CopyObject", {**destination_condition(item), **directive(self.run), **lock}):
            self.clients.destination.copy_object(**parameters)

    def _head_if_needed(self, item: ToCopy) -> dict[str, Any]:
        """Return what HeadObject tells where something of it has to be given to CopyObject: a redirect or a lock."""
        if item.size and not copies_locks(self.run):
            return {}
        answer: dict[str, Any] = self.clients.source.head_object(
            **self.run.source.object_parameters(item.key)
        )
        return answer

    def _copy_in_parts(self, item: ToCopy) -> None:
        """Copy with the source's parts; once more with parts asked for one by one if the first guess gave another ETag."""
        copy = MultipartCopy(self.clients, self.run, item)
        if not self._try_parts(copy, copy.plan()):
            self._try_parts(copy, copy.plan(exact=True))

    def _try_parts(self, copy: MultipartCopy, plan: MultipartPlan) -> bool:
        """Copy in these parts; return False, with the upload aborted, if guessed parts turn out not to be the source's."""
        key, upload = copy.item.key, open_upload(copy, self.folder, plan)
        try:
            plan = copy.with_exact_parts(plan, upload)
            copied = self._copy_parts(copy, upload, plan.parts)
            is_right = not plan.are_guessed or copy.etag_matches(upload, copied)
            if is_right:
                copy.complete_upload(upload, copied)
        except BaseException:
            uploads.give_up(self.clients, self.run, key, upload.id)
            raise
        if is_right:
            # Struck out last: if that fails, the copy has its tags.
            copy.finish(plan.tagging)
            uploads.forget(self.folder, upload.id)
        else:
            uploads.give_up(self.clients, self.run, key, upload.id)
        return is_right

    def _copy_parts(self, copy: MultipartCopy, upload: Upload, parts: Sequence[Part]) -> list[CopiedPart]:
        """Copy all parts; after an error none is begun any more. A stop waits for those under way: an abort would miss them."""
        futures = [self.pool.submit(self._copy_part, copy, upload, part) for part in parts]
        try:
            return [future.result() for future in futures]
        except BaseException as error:
            under_way = [future for future in futures if not future.cancel()]
            if isinstance(error, Stopped):
                wait(under_way, timeout=max(self.turn.remaining_seconds(), 0))
            raise

    def _copy_part(self, copy: MultipartCopy, upload: Upload, part: Part) -> CopiedPart:
        with self.gate:
            if self.turn.is_stopped():
                raise Stopped("the run was stopped before all of its parts were copied")
            if self.turn.is_over():
                raise SyncError("its turn ended before all of its parts were copied")
            return copy.copy_part(upload, part)


def is_multipart(item: ToCopy) -> bool:
    """Whether a source is copied in parts: written in more than one, too large for one CopyObject, or of one special part.

    CopyObject makes a checksum of the whole; where that of one part cannot be computed from it, only a part gives the same.
    """
    if part_count(item.etag) == 1 and item.checksum and item.checksum[1] == "COMPOSITE":
        return item.checksum[0] not in COMPUTABLE
    return (part_count(item.etag) or 1) > 1 or item.size > MAX_COPY_BYTES


def seconds_needed(size_bytes: int) -> float:
    """Return the time that is left free for an object or a part before it is begun."""
    return SECONDS_PER_OBJECT + size_bytes / BYTES_PER_SECOND


def timeout_outcome(item: ToCopy) -> Outcome:
    """Return the outcome of an object whose copy had not ended when its turn had to."""
    return Outcome(item.key, "failed", 0, "the copy had not ended when its worker's time was over")
