"""What the files of a run add up to while it runs: the records of what is done, and the heartbeats of what is being done.

A record is read once. Of the heartbeats a listing tells which have changed, and only those are read, so many at a look: with a
thousand workers some numbers are a little older. A heartbeat counts until the record that it names is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.step_functions.estimates import Amount

MAX_RECORDS_READ = 2_000
"""With more records their sum is not asked for: `progress` takes the fraction of the Distributed Map instead."""

MAX_BEATS_READ = 64
"""At one look. With a look every five seconds that is 46,000 GETs an hour at most, two cents."""

STALE_SECONDS = 60.0
"""A heartbeat that is so much older than the newest is read after the others: its worker has ended, or its turn is recorded."""

READERS = 8
BEATS = "alive"
DEALT_WITH = ("copied", "deleted", "archived", "vanished", "unmappable", "changed", "failed")
NOT_IN_SYNC = ("changed", "failed")


@dataclass(frozen=True)
class Counts:
    """Objects that were dealt with, their bytes, and how many of them are not in sync; of a comparison, keys."""

    amount: Amount
    failed: int = 0


@dataclass(frozen=True)
class _Beat:
    etag: str
    record: str
    counts: Counts


class RunFiles:
    """The files of one run in the work bucket; remembers between two looks what it has read."""

    def __init__(self, s3: Any, place: Mapping[str, Any], folder: str) -> None:
        self._s3, self._place, self._folder = s3, place, folder
        self._records: dict[str, Counts] = {}
        self._beats: dict[str, _Beat] = {}

    def counts(self, kind: str) -> Counts | None:
        """Return what was "compared", "copied" or "deleted"; None where there are too many records to read."""
        keys = [found["Key"] for found in self._list(kind, MAX_RECORDS_READ + 1)]
        if len(keys) > MAX_RECORDS_READ:
            return None
        self._read_records([key for key in keys if key not in self._records], kind)
        self._read_beats()
        there = {key.removeprefix(f"{self._folder}/") for key in keys}
        alive = [
            beat.counts
            for beat in self._beats.values()
            if beat.record.startswith(f"{kind}/") and beat.record not in there
        ]
        return _sum([*(self._records[key] for key in keys), *alive])

    def _list(self, name: str, most: int) -> list[Mapping[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            **self._place, Prefix=f"{self._folder}/{name}/", PaginationConfig={"MaxItems": most}
        )
        return [found for page in pages for found in page.get("Contents", ())]

    def _read_records(self, keys: list[str], kind: str) -> None:
        with ThreadPoolExecutor(READERS) as pool:
            read = pool.map(lambda key: counts_of_record(self._read(key), kind), keys)
            self._records.update(zip(keys, read, strict=True))

    def _read_beats(self) -> None:
        """Read the heartbeats that have changed, those that were never read first; what cannot be read is left as it was."""
        try:
            listed = self._list(BEATS, 2 * MAX_RECORDS_READ)
        except (ClientError, BotoCoreError):
            return
        changed = [found for found in listed if self._etag(found["Key"]) != found["ETag"]]
        if not changed:
            return
        newest = max(found["LastModified"] for found in listed)

        def importance(found: Mapping[str, Any]) -> tuple[bool, bool, Any]:
            is_stale = (newest - found["LastModified"]).total_seconds() > STALE_SECONDS
            return is_stale, found["Key"] in self._beats, found["LastModified"]

        first = sorted(changed, key=importance)[:MAX_BEATS_READ]
        with ThreadPoolExecutor(READERS) as pool:
            beats = pool.map(self._read_beat, first)
            self._beats.update(
                (found["Key"], beat) for found, beat in zip(first, beats, strict=True) if beat is not None
            )

    def _etag(self, key: str) -> str | None:
        beat = self._beats.get(key)
        return beat.etag if beat else None

    def _read_beat(self, found: Mapping[str, Any]) -> _Beat | None:
        try:
            said = self._read(found["Key"])
            return _Beat(found["ETag"], str(said["record"]), Counts(Amount.of(said), int(said["failed"])))
        except (ClientError, BotoCoreError, KeyError, TypeError, ValueError):
            return None

    def _read(self, key: str) -> Any:
        return json.loads(self._s3.get_object(**self._place, Key=key)["Body"].read())


def counts_of_record(record: Mapping[str, Any], kind: str) -> Counts:
    """Return what a record says of its turn; raise KeyError for one that does not say it."""
    tally = record["tally"]
    failed = sum(Amount.of(tally.get(word, {})).objects for word in NOT_IN_SYNC)
    if kind == "compared":
        listed = record["listed"]
        return Counts(Amount(listed["source"] + listed["destination"] - record["paired"], 0), failed)
    amounts = [Amount.of(tally[word]) for word in DEALT_WITH if word in tally]
    return Counts(_add(amounts), failed)


def _sum(counts: Iterable[Counts]) -> Counts:
    every = list(counts)
    return Counts(_add(one.amount for one in every), sum(one.failed for one in every))


def _add(amounts: Iterable[Amount]) -> Amount:
    every = list(amounts)
    return Amount(sum(one.objects for one in every), sum(one.size_bytes for one in every))
