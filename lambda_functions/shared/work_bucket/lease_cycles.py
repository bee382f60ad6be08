"""What a lease says, and which leases get in each other's way: pure functions over the leases that were read.

Two runs get in each other's way where both write into one part of a bucket (`overlapping`), and where runs feed each other in a
circle (`find_cycle`): with A -> B and B -> A at once each takes what the other has not copied yet for deleted. A chain, A -> B
and B -> C, is no circle: at worst the second run copies what will be copied once more.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lambda_functions.shared.options import overlap
from lambda_functions.shared.run import Run

REQUIRED = ("execution", "prefix", "folder", "startedAt")


class LeaseUnreadable(ValueError):
    """A file under `leases/` says nothing that a lease says."""


@dataclass(frozen=True)
class Lease:
    """One lease; `prefix` is that of the destination.

    `source` is None where nobody knows what the run reads: it then counts as reading everything. `ended_at` is set in a lease
    that outlives its run for uploads that could not be aborted, `missing_since` where Step Functions does not know the
    execution; `name` is that of the sync, if it has one. A file that could not be read is a lease on the whole bucket; `problem`
    says what is wrong with it.
    """

    destination: str
    prefix: str = ""
    source: str | None = None
    source_prefix: str = ""
    execution: str = ""
    folder: str = ""
    started_at: str = ""
    ended_at: str = ""
    missing_since: datetime | None = None
    problem: str = ""
    name: str = ""
    document: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, run: Run) -> Lease:
        """Return the lease that a run takes."""
        return parse_lease(run.destination.bucket, json.dumps(lease_document(run)).encode())

    def reading(self, source: str, prefix: str) -> Lease:
        """Return the same lease, now that it is known what its run reads."""
        return replace(self, source=source, source_prefix=prefix)

    def execution_title(self) -> str:
        """Return the execution's ARN, and which sync it is where its run has a name."""
        return f"{self.execution} (the sync {self.name})" if self.name else self.execution

    def source_address(self) -> str:
        """Return what the run reads, for people."""
        if self.source is None:
            return "a source that its lease does not name"
        return f"s3://{self.source}/{self.source_prefix}"

    def destination_address(self) -> str:
        """Return what the run writes, for people."""
        return f"s3://{self.destination}/{self.prefix}"


def lease_document(run: Run) -> dict[str, str]:
    """Return what a run writes into its lease."""
    return {
        "execution": run.execution,
        "prefix": run.destination.prefix,
        "folder": run.folder,
        "startedAt": run.started_at,
        "source": run.source.bucket,
        "sourcePrefix": run.source.prefix,
        **({"name": run.options.name} if run.options.name else {}),
    }


def parse_lease(destination: str, body: bytes) -> Lease:
    """Return the lease that a file holds, with its `problem` if it holds none; leases of older machines name no source."""
    try:
        return _parse(destination, body)
    except RecursionError:
        return Lease(destination, problem="it is nested too deeply")
    except ValueError as error:
        return Lease(destination, problem=str(error))


def _parse(destination: str, body: bytes) -> Lease:
    document = json.loads(body)
    if not isinstance(document, dict):
        raise LeaseUnreadable("it is not a JSON object")
    missing = [name for name in REQUIRED if not _says(document, name)]
    if missing:
        raise LeaseUnreadable(f"it does not say {', '.join(missing)}")
    source, ended_at = document.get("source"), _text(document, "endedAt")
    _time(ended_at)  # whatever it says gives the destination free, so it has to be a time
    return Lease(
        destination,
        document["prefix"],
        source if isinstance(source, str) else None,
        _text(document, "sourcePrefix"),
        document["execution"],
        document["folder"],
        document["startedAt"],
        ended_at,
        _time(document.get("missingSince")),
        name=_text(document, "name"),
        document=document,
    )


def _says(document: Mapping[str, Any], name: str) -> bool:
    """Whether a lease has a text of this name; only a prefix may be empty."""
    text = document.get(name)
    return isinstance(text, str) and (text != "" or name == "prefix")


def _text(document: Mapping[str, Any], name: str) -> str:
    """Return what may be missing, and is a text where it is not: that of null would be "None", and say something."""
    text = document.get(name, "")
    if not isinstance(text, str):
        raise LeaseUnreadable(f"its {name} is {json.dumps(text)[:80]}; expected text")
    return text


def _time(text: Any) -> datetime | None:
    time = datetime.fromisoformat(str(text)) if text else None
    if time and time.tzinfo is None:
        raise LeaseUnreadable(f"it says {text}, without a time zone")
    return time


def overlapping(one: Lease, other: Lease) -> bool:
    """Whether two runs write into the same part of one bucket."""
    return one.destination == other.destination and overlap(one.prefix, other.prefix)


def feeds(writer: Lease, reader: Lease) -> bool:
    """Whether a run writes something that another one reads."""
    if reader.source is None:
        return True
    return writer.destination == reader.source and overlap(writer.prefix, reader.source_prefix)


def find_cycle(mine: Lease, others: Sequence[Lease]) -> list[Lease]:
    """Return the fewest leases through which a run would feed its own source, in their order; none if there is no such circle."""
    waiting, seen = deque([[mine]]), {id(mine)}
    while waiting:
        path = waiting.popleft()
        if len(path) > 1 and feeds(path[-1], mine):
            return path[1:]
        for lease in others:
            if id(lease) not in seen and feeds(path[-1], lease):
                seen.add(id(lease))
                waiting.append([*path, lease])
    return []
