"""Asking for the keys that two listings cannot decide: HEAD on both sides, in threads, while pages are read.

An answer is a decision of the equality table, or an outcome that names why there is none: a key that cannot be asked for is
unknown, hence failed, and nothing is deleted in that run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from lambda_functions.shared.equality import Decision, judge_checksums, judge_metadata
from lambda_functions.shared.errors import explain, is_missing
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.heads import get_tags, head_object, require_bucket
from lambda_functions.shared.s3.listing import Entry

HEAD_THREADS = 16
# Answers waited for at most; beyond that reading pauses, so that memory stays bounded however many keys are undecided.
MAX_PENDING = 4096

# The source, the destination unless it has gone meanwhile, and what is to be done.
Answer = tuple[Entry, Entry | None, Decision | Outcome]


@dataclass
class Asker:
    """Questions go in by `ask`, answers come out by `answers`, in the same order."""

    clients: Clients
    run: Run
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(HEAD_THREADS, thread_name_prefix="asking")
    )
    _waiting: deque[Future[Answer]] = field(default_factory=deque)

    def ask(self, source: Entry, destination: Entry, question: Decision) -> None:
        """Put a question; its answer comes later."""
        self._waiting.append(self._pool.submit(self._answer, source, destination, question))

    def answers(self, all_of_them: bool = False) -> Iterator[Answer]:
        """Yield the answers that are there, in order; all of them at the end of a range."""
        while self._waiting and (all_of_them or self._waiting[0].done() or len(self._waiting) > MAX_PENDING):
            yield self._waiting.popleft().result()

    def close(self) -> None:
        """End the threads; unanswered questions are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, source: Entry, destination: Entry, question: Decision) -> Answer:
        try:
            return self._asked(source, destination, question)
        except Exception as error:  # an undecided key is a failure of that key, whatever the reason
            failure = Outcome(source.key, "failed", 0, f"could not be compared: {explain(error)}")
            return source, destination, failure

    def _asked(self, source: Entry, destination: Entry, question: Decision) -> Answer:
        if question is not Decision.ASK_TAGS:
            answer = self._by_heads(source, destination, question)
            if answer[2] is not Decision.CURRENT or not self.run.options.compareTags:
                return answer
        try:
            return source, destination, self._by_tags(source.key)
        except ClientError as error:
            if not is_missing(error):
                raise
            return self._by_heads(source, destination, Decision.ASK_METADATA)  # which says what is missing

    def _by_heads(self, source: Entry, destination: Entry, question: Decision) -> Answer:
        destination_head = head_object(self.clients.destination, self.run.destination, destination.key)
        if destination_head is None:
            return source, None, Decision.COPY
        source_head = head_object(self.clients.source, self.run.source, source.key)
        if source_head is None:
            require_bucket(self.clients.source, self.run.source)
            gone = Outcome(source.key, "vanished", 0, "the source object was gone when it was asked for")
            return source, destination, gone
        judge = judge_metadata if question is Decision.ASK_METADATA else judge_checksums
        return source, destination, judge(source_head, destination_head)

    def _by_tags(self, key: str) -> Decision:
        """Return COPY where the tags of two equal objects differ: two requests, GetObjectTagging on either side."""
        same = get_tags(self.clients.source, self.run.source, key) == get_tags(
            self.clients.destination, self.run.destination, key
        )
        return Decision.CURRENT if same else Decision.COPY
