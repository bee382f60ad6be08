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

from lambda_functions.shared.equality import Decision, judge_heads, judge_tags
from lambda_functions.shared.errors import explain, is_missing
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.heads import get_tags, head_object, is_proved_missing, require_bucket
from lambda_functions.shared.s3.listing import Entry

HEAD_THREADS = 16
# Answers waited for at most; beyond that reading pauses. Where every key is asked for, a turn that is over has to wait for these:
# 64 pairs a thread, some seconds.
MAX_PENDING = 1024

# The source, the destination unless it has gone meanwhile, and what is to be done.
Resolution = tuple[Entry, Entry | None, Decision | Outcome]


@dataclass
class Resolver:
    """Pairs go in by `submit` and come out decided by `results`, in the same order."""

    clients: Clients
    run: Run
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(HEAD_THREADS, thread_name_prefix="undecided")
    )
    _pending: deque[Future[Resolution]] = field(default_factory=deque)

    def submit(self, source: Entry, destination: Entry, question: Decision) -> None:
        """Have a pair decided; `question` is what its listings could not tell."""
        self._pending.append(self._pool.submit(self._resolve, source, destination, question))

    def is_full(self) -> bool:
        """Whether answers have to be taken before more is read."""
        return len(self._pending) >= MAX_PENDING

    def results(self, all_of_them: bool = False) -> Iterator[Resolution]:
        """Yield the pairs that are decided, in order; all of them at the end of a range."""
        while self._pending and (all_of_them or self._pending[0].done() or self.is_full()):
            yield self._pending.popleft().result()

    def close(self) -> None:
        """End the threads; what is not decided is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _resolve(self, source: Entry, destination: Entry, question: Decision) -> Resolution:
        try:
            return self._decide(source, destination, question)
        except Exception as error:  # an undecided key is a failure of that key, whatever the reason
            failure = Outcome(source.key, "failed", 0, f"could not be compared: {explain(error)}")
            return source, destination, failure

    def _decide(self, source: Entry, destination: Entry, question: Decision) -> Resolution:
        if question is not Decision.ASK_TAGS:
            answer = self._compare_heads(source, destination, question)
            if answer[2] is not Decision.CURRENT or not self.run.options.compareTags:
                return answer
        try:
            return source, destination, self._compare_tags(source.key)
        except ClientError as error:
            if not self._is_one_missing(source.key, error):
                raise
        answer = self._compare_heads(source, destination, Decision.ASK_METADATA)  # which says what is missing
        if answer[2] is not Decision.CURRENT:
            return answer
        return source, destination, self._compare_tags(source.key)  # both are there again

    def _is_one_missing(self, key: str, error: ClientError) -> bool:
        """Whether an error about the tags of two objects says that one of them is not there, or a listing then does."""
        sides = ((self.clients.source, self.run.source), (self.clients.destination, self.run.destination))
        return is_missing(error) or any(is_proved_missing(client, side, key, error) for client, side in sides)

    def _compare_heads(self, source: Entry, destination: Entry, question: Decision) -> Resolution:
        destination_head = head_object(self.clients.destination, self.run.destination, destination.key)
        if destination_head is None:
            return source, None, Decision.NEW
        source_head = head_object(self.clients.source, self.run.source, source.key)
        if source_head is None:
            require_bucket(self.clients.source, self.run.source)
            gone = Outcome(source.key, "vanished", 0, "the source object was gone when it was asked for")
            return source, destination, gone
        compare_metadata = self.run.options.compareMetadata
        return source, destination, judge_heads(question, source_head, destination_head, compare_metadata)

    def _compare_tags(self, key: str) -> Decision:
        """Return TAGS where the tags of two equal objects differ: two requests, GetObjectTagging on either side."""
        source = get_tags(self.clients.source, self.run.source, key)
        destination = get_tags(self.clients.destination, self.run.destination, key)
        return judge_tags(source, destination)
