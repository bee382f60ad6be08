"""SOURCE_BUCKETS and DESTINATION_BUCKETS beside SYNCS: lists that SYNCS fills, and syncs that a list leaves out. Pure.

The functions have rights on the buckets of these lists and on no others, so a sync that names another is denied by AWS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deployment.syncs import entries
from deployment.syncs.entries import Sync
from deployment.text import listed

FROM_SYNCS = "syncs"
"""In the place of a list of buckets: those of SYNCS."""

MAX_NAMED = 5


@dataclass(frozen=True)
class Side:
    """A setting with buckets, the option of a sync that it is about, and what the functions do there."""

    setting: str
    option: str
    verb: str


SIDES = (
    Side("SOURCE_BUCKETS", "source", "read"),
    Side("DESTINATION_BUCKETS", "destination", "write into"),
)


@dataclass(frozen=True)
class Settled:
    """The buckets of a setting, none for every bucket; settings that are wrong; the place of each problem, and a sentence."""

    buckets: tuple[str, ...]
    wrong: frozenset[str] = frozenset()
    problems: tuple[tuple[tuple[Any, ...], str], ...] = ()


def settle(side: Side, given: Sequence[str], syncs: Sequence[Sync] | None) -> Settled:
    """Return what a setting comes to: a list of buckets, or FROM_SYNCS; `syncs` is None where SYNCS has mistakes of its own."""
    if given == FROM_SYNCS:
        return _from_syncs(side, syncs)
    left_out = [sync for sync in syncs or () if given and sync.input[side.option] not in given]
    problems = tuple((("SYNCS", sync.name, side.option), _sentence(side, given, sync)) for sync in left_out)
    return Settled(tuple(given), frozenset(["SYNCS"] if problems else []), problems)


def _from_syncs(side: Side, syncs: Sequence[Sync] | None) -> Settled:
    buckets = entries.buckets(syncs or (), side.option)
    if buckets:
        return Settled(buckets)
    sentence = f"{side.setting} is {FROM_SYNCS!r}: SYNCS names no sync; add one, or name the buckets (every bucket is [])"
    return Settled((), frozenset([side.setting]), () if syncs is None else (((side.setting,), sentence),))


def _sentence(side: Side, given: Sequence[str], sync: Sync) -> str:
    bucket = sync.input[side.option]
    return (
        f'SYNCS[{sync.name!r}]: the {side.option} "{bucket}" is not among {side.setting} ({listed(given, MAX_NAMED)}), so the '
        f'functions may not {side.verb} it; add it there, or write {side.setting} = "{FROM_SYNCS}"'
    )
