"""Which Map works through the shards of a run: an inline one, a Distributed one, or none.

A Distributed Map costs seconds by itself, however little it does; an inline one runs at most 40 iterations at a time, and they
share one history and one state with the run. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
MAX_INLINE_SHARDS = 40
# What the pointers to the shards may take of the 256 KiB of a state, as JSON: copies and deletes together, because the state
# carries both. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_INLINE_BYTES = 64 * 1024
# An inline shard gets ten turns, so one that may need more than two is left to a Map that has no such limit.
MAX_INLINE_TURNS = 2
# What a turn of `copy_keys` or `delete_orphaned_keys` has of its 900 seconds.
TURN_SECONDS = 870.0
# The rates that a worker reaches even where S3 slows it down: a tenth or less of what it does otherwise. A shard that is full
# of keys takes 400 seconds by this, one that is full of bytes 1,638. Deletes move no bytes.
SLOW_KEYS_PER_SECOND = 5.0
SLOW_BYTES_PER_SECOND = 10 * 1024**2

Pointer = Mapping[str, Any]


def choose_maps(copy: Sequence[Pointer], delete: Sequence[Pointer]) -> dict[str, dict[str, Any]]:
    """Return for "copy" and "delete" `{"map": "INLINE" | "DISTRIBUTED" | "", "inline": pointers}`, the pointers only of INLINE.

    Both Maps write into the history and the state of one run, so they share what fits: deletes get what the copies leave.
    """
    is_copy_inline = fits_inline(copy, has_bytes=True)
    taken = list(copy) if is_copy_inline else []
    is_delete_inline = fits_inline(delete, has_bytes=False) and _fit([*taken, *delete])
    return {"copy": _choice(copy, is_copy_inline), "delete": _choice(delete, is_delete_inline)}


def fits_inline(pointers: Sequence[Pointer], has_bytes: bool) -> bool:
    """Whether an inline Map can hold these shards, and none needs many turns; `has_bytes` if their bytes are moved."""
    return _fit(pointers) and all(
        turns_needed(pointer, has_bytes) <= MAX_INLINE_TURNS for pointer in pointers
    )


def turns_needed(pointer: Pointer, has_bytes: bool) -> float:
    """Return how many turns a shard takes where S3 is slow, by its `objects` and, where they are moved, its `bytes`."""
    seconds: float = pointer["objects"] / SLOW_KEYS_PER_SECOND
    if has_bytes:
        seconds += pointer["bytes"] / SLOW_BYTES_PER_SECOND
    return seconds / TURN_SECONDS


def _fit(pointers: Sequence[Pointer]) -> bool:
    return len(pointers) <= MAX_INLINE_SHARDS and len(json.dumps(pointers).encode()) <= MAX_INLINE_BYTES


def _choice(pointers: Sequence[Pointer], is_inline: bool) -> dict[str, Any]:
    if not pointers:
        return {"map": "", "inline": []}
    return {"map": "INLINE" if is_inline else "DISTRIBUTED", "inline": list(pointers) if is_inline else []}
