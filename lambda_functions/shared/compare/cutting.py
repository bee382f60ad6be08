"""Cutting a range of the two buckets: which side to ask, and asking it."""

from __future__ import annotations

import functools

from lambda_functions.shared.compare.key_ranges import KeyRange, cut
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.listing import first_key, page_end


def cut_range(clients: Clients, run: Run, key_range: KeyRange, wanted: int) -> list[KeyRange]:
    """Return ranges that together are `key_range`; one if neither side has more than 1,000 keys after its beginning.

    The source is cut; the destination only where the source is short, because an orphaned bucket has to be read as well.
    Requests: one or two LISTs of a page, then LISTs of one key and a few of a page.
    """
    for client, side in ((clients.source, run.source), (clients.destination, run.destination)):
        end = page_end(client, side, key_range.after)
        if end is not None and not key_range.ends_before_or_with(end):
            probe = functools.partial(first_key, client, side)
            weigh = functools.partial(page_end, client, side)
            return cut(key_range, wanted, probe, len(side.prefix.encode()), weigh)
    return [key_range]
