"""Reading a key range of both buckets with several streams: threads read pages, one thread decides what is read next.

What is read next and what can be decided is `streams`; here pages come in, in whatever order they do. A page that is under way
when the turn is over is waited for and taken in, so that no LIST is sent in vain, unless deciding takes far too long.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from lambda_functions.shared.compare.pieces import SOURCE, Chunk
from lambda_functions.shared.compare.streams import Request, Streams
from lambda_functions.shared.errors import NoProgress, RangeBroken
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.run import Run, Side
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.listing import ReadPage, read_page

# What comes so long after the end of a turn is left to the next: where every key is asked for, a page takes seconds to decide.
LATE_SECONDS = 60.0

_Answer = tuple[Request, ReadPage | BaseException]


def read_chunks(clients: Clients, run: Run, streams: Streams, turn: Turn) -> Iterator[Chunk]:
    """Yield what can be decided, as it is read, until everything is or the turn is over; `streams` then has what is left.

    The first pages are read whatever time there is. Raises RangeBroken, ClientError or what else keeps a page from being read,
    and NoProgress where a whole turn read nothing. A run that is to stop begins no page more, not even the first.
    """
    with _reader(clients, run, 2 * streams.most_streams) as reader:
        requests = [] if turn.is_stopped() else streams.requests()
        while requests or reader.under_way:
            for request in requests:
                reader.begin(request)
            request, page = reader.wait()
            if page.was_busy:
                streams.slow_down(request)
            yield from _receive(streams, run, request, page)
            if turn.remaining_seconds() < -LATE_SECONDS and streams.has_moved:
                break
            requests = [] if turn.is_over() or turn.is_stopped() else streams.requests()
    if streams.pieces and not streams.has_moved and not turn.is_stopped():
        raise NoProgress(f"the range after {streams.key_range.after!r} ended where it began")


def _receive(streams: Streams, run: Run, request: Request, page: ReadPage) -> list[Chunk]:
    try:
        return streams.receive(request, page.entries, page.token)
    except RangeBroken as error:
        raise RangeBroken(f"{_side(run, request).address()} {error}") from error


def _side(run: Run, request: Request) -> Side:
    return run.source if request.side == SOURCE else run.destination


@dataclass
class _Reader:
    """Reads pages in threads."""

    clients: Clients
    run: Run
    pool: ThreadPoolExecutor
    answers: SimpleQueue[_Answer]
    under_way: int = 0

    def begin(self, request: Request) -> None:
        self.under_way += 1
        self.pool.submit(self._read, request)

    def wait(self) -> tuple[Request, ReadPage]:
        """Return the next page that comes, or raise why one does not."""
        request, answer = self.answers.get()
        self.under_way -= 1
        if isinstance(answer, BaseException):
            raise answer
        return request, answer

    def _read(self, request: Request) -> None:
        client: Any = self.clients.source if request.side == SOURCE else self.clients.destination
        try:
            self.answers.put(
                (request, read_page(client, _side(self.run, request), request.after, request.token))
            )
        except BaseException as error:  # whatever it is, the thread that waits must hear of it
            self.answers.put((request, error))


@contextmanager
def _reader(clients: Clients, run: Run, threads: int) -> Iterator[_Reader]:
    pool = ThreadPoolExecutor(threads, thread_name_prefix="listing")
    try:
        yield _Reader(clients, run, pool, SimpleQueue())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
