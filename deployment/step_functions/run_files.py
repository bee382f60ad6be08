"""What the files of a run add up to while it runs: the records of what is done, and the heartbeats of what is being done.

A record is read once. Of the heartbeats a listing tells which have changed, and only those are read, so many at a look: with a
thousand workers some numbers are a little older. A heartbeat counts until the record that it names is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.step_functions.estimates import Amount

MAX_RECORDS_READ = 2_000
"""With more records their sum is not asked for: `progress` takes the fraction of the Distributed Map instead."""

MAX_BEATS_READ = 64
"""At one look. With a look every five seconds that is 46,000 GETs an hour at most, two cents."""

STALE_SECONDS = 60.0
"""A heartbeat that is so much older than the newest is read after the others: its worker has ended, or its turn is recorded."""

READERS = 10
BEATS = "alive"
DEALT_WITH = ("copied", "deleted", "archived", "vanished", "unmappable", "changed", "failed")
NOT_IN_SYNC = ("changed", "failed")


@dataclass(frozen=True)
class Counts:
    """Objects that were dealt with, their bytes, and how many of them are not in sync; of a comparison, keys.

    `age_seconds` is how old this news is, on the average of the workers that are at it, and `working_seconds` for how long the
    first of them had been at it by then; 0 where nobody tells, or others were at it before.
    """

    amount: Amount
    failed: int = 0
    age_seconds: float = 0.0
    working_seconds: float = 0.0


@dataclass(frozen=True)
class _Beat:
    etag: str
    written_at: datetime
    record: str
    counts: Counts


Found = Mapping[str, Any]


class RunFiles:
    """The files of one run in the work bucket; remembers between two looks what it has read."""

    def __init__(self, s3: Any, place: Mapping[str, Any], folder: str) -> None:
        self._s3, self._place, self._folder = s3, place, folder
        self._records: dict[str, Counts] = {}
        self._beats: dict[str, _Beat] = {}
        self._time_there: datetime | None = None

    def counts(self, kind: str) -> Counts | None:
        """Return what was "compared", "copied" or "deleted"; None where there are too many records to read."""
        with ThreadPoolExecutor(READERS) as pool:
            listing = pool.submit(self._list, kind, MAX_RECORDS_READ + 1)
            beats = pool.submit(self._list_beats)
            keys = [found["Key"] for found in listing.result()]
            if len(keys) > MAX_RECORDS_READ:
                return None
            new = [key for key in keys if key not in self._records]
            records = pool.map(lambda key: counts_of_record(self._read(key), kind), new)
            changed = self._to_read(beats.result())
            for key, beat in zip(
                [found["Key"] for found in changed], pool.map(self._read_beat, changed), strict=True
            ):
                self._beats.update({key: beat} if beat else {})
            self._records.update(zip(new, records, strict=True))
        there = {key.removeprefix(f"{self._folder}/") for key in keys}
        alive = [
            beat
            for beat in self._beats.values()
            if beat.record.startswith(f"{kind}/") and beat.record not in there
        ]
        total = _sum([*(self._records[key] for key in keys), *(beat.counts for beat in alive)])
        working = 0.0 if keys else max((beat.counts.working_seconds for beat in alive), default=0.0)
        return replace(total, age_seconds=_mean_age(alive, self._time_there), working_seconds=working)

    def _list(self, name: str, most: int) -> list[Found]:
        return [found for page in self._pages(name, most) for found in page.get("Contents", ())]

    def _pages(self, name: str, most: int) -> Any:
        return self._s3.get_paginator("list_objects_v2").paginate(
            **self._place, Prefix=f"{self._folder}/{name}/", PaginationConfig={"MaxItems": most}
        )

    def _list_beats(self) -> list[Found]:
        """Return the heartbeats that are there, and learn from the answer what the time is where they were written."""
        try:
            found: list[Found] = []
            for page in self._pages(BEATS, 2 * MAX_RECORDS_READ):
                self._time_there = _date_of(page) or self._time_there
                found += page.get("Contents", ())
            return found
        except (ClientError, BotoCoreError):
            return []

    def _to_read(self, listed: Sequence[Found]) -> list[Found]:
        """Return the heartbeats that have changed, as many as are read at a look, those that were never read first."""
        changed = [found for found in listed if self._etag(found["Key"]) != found["ETag"]]
        newest = max((found["LastModified"] for found in listed), default=None)

        def importance(found: Found) -> tuple[bool, bool, Any]:
            is_stale = (newest - found["LastModified"]).total_seconds() > STALE_SECONDS
            return is_stale, found["Key"] in self._beats, found["LastModified"]

        return sorted(changed, key=importance)[:MAX_BEATS_READ]

    def _etag(self, key: str) -> str | None:
        beat = self._beats.get(key)
        return beat.etag if beat else None

    def _read_beat(self, found: Mapping[str, Any]) -> _Beat | None:
        try:
            said = self._read(found["Key"])
            seconds = float(said.get("seconds", 0.0))
            counts = Counts(Amount.of(said), int(said["failed"]), working_seconds=seconds)
            return _Beat(found["ETag"], found["LastModified"], str(said["record"]), counts)
        except (ClientError, BotoCoreError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
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


def _mean_age(beats: Sequence[_Beat], now: datetime | None) -> float:
    """Return how old heartbeats are, in seconds, by the clock that wrote their times; stale ones are no news at all."""
    if not beats:
        return 0.0
    newest = max([*(beat.written_at for beat in beats), *([now] if now else [])])
    ages = [(newest - beat.written_at).total_seconds() for beat in beats]
    fresh = [age for age in ages if age <= STALE_SECONDS]
    return sum(fresh) / len(fresh) if fresh else 0.0


def _date_of(page: Mapping[str, Any]) -> datetime | None:
    """Return when S3 gave an answer, by its own clock."""
    date = page.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sum(counts: Iterable[Counts]) -> Counts:
    every = list(counts)
    return Counts(_add(one.amount for one in every), sum(one.failed for one in every))


def _add(amounts: Iterable[Amount]) -> Amount:
    every = list(amounts)
    return Amount(sum(one.objects for one in every), sum(one.size_bytes for one in every))
