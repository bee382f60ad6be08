"""Asking for the keys that two listings cannot decide: HEAD on both sides, in threads, while pages are read.

An answer is a decision of the equality table, or an outcome that names why there is none: a key that cannot be asked for is
unknown, hence failed, and nothing is deleted in that run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared.clients import Clients
from lambda_functions.shared.equality import Decision, judge_checksums, judge_metadata
from lambda_functions.shared.errors import describe, is_missing
from lambda_functions.shared.listing import Entry
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run, Side

ASKERS = 16
# Answers waited for at most; beyond that reading pauses, so that memory stays bounded however many keys are undecided.
MOST_UNANSWERED = 4096

Question = tuple[Entry, Entry, Decision]
Answer = tuple[Entry, Entry, Decision | Outcome]


@dataclass
class Asker:
    """Questions go in by `ask`, answers come out by `answers`, in the same order."""

    clients: Clients
    run: Run
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(ASKERS, thread_name_prefix="asking")
    )
    _waiting: deque[tuple[Entry, Entry, Future[Decision | Outcome]]] = field(default_factory=deque)

    def ask(self, source: Entry, destination: Entry, question: Decision) -> None:
        """Put a question; its answer comes later."""
        future = self._pool.submit(self._answer, source, destination, question)
        self._waiting.append((source, destination, future))

    def answers(self, all_of_them: bool = False) -> Iterator[Answer]:
        """Yield the answers that are there, in order; all of them at the end of a range."""
        while self._waiting and (
            all_of_them or self._waiting[0][2].done() or len(self._waiting) > MOST_UNANSWERED
        ):
            source, destination, future = self._waiting.popleft()
            yield source, destination, future.result()

    def close(self) -> None:
        """End the threads; unanswered questions are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, source: Entry, destination: Entry, question: Decision) -> Decision | Outcome:
        try:
            destination_head = head(self.clients.destination, self.run.destination, destination.key)
            if destination_head is None:
                return Decision.COPY
            source_head = head(self.clients.source, self.run.source, source.key)
        except (ClientError, BotoCoreError) as error:
            return Outcome(source.key, "failed", 0, f"could not be compared: {describe(error)}")
        if source_head is None:
            return Outcome(source.key, "vanished", 0, "the source object was gone when it was asked for")
        judge = judge_metadata if question is Decision.ASK_METADATA else judge_checksums
        return judge(source_head, destination_head)


def head(client: Any, side: Side, relative: str, **more: Any) -> dict[str, Any] | None:
    """Return HeadObject's answer with checksums, or None where the object does not exist.

    A missing bucket answers 404 as well, so None is a reason to look at the bucket, not to delete anything.
    """
    try:
        answer: dict[str, Any] = client.head_object(
            **side.parameters(), Key=side.key(relative), ChecksumMode="ENABLED", **more
        )
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return answer
