"""A run as it travels from state to state: who syncs what into what, and where its files are.

Keys inside the product are *relative*: without the prefix of their side. A relative key may be empty (an object whose key is
the prefix itself).
"""

from __future__ import annotations

import fnmatch
import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from lambda_functions.shared.filter_rules import moment
from lambda_functions.shared.option_rules import MAX_KEY_BYTES
from lambda_functions.shared.options import Options

RUNS = "runs"
# How many workers the state machine gives to one very large object at the same time.
LARGE_WORKERS = 10
# A worker sends some 90 LISTs a second to each bucket, and a partition of S3 takes 5,500
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html).
MAX_COMPARING = 60


@dataclass(frozen=True)
class Side:
    """One of the two buckets, under one prefix."""

    bucket: str
    prefix: str
    region: str | None
    owner: str | None
    requester_pays: bool = False

    def key(self, relative: str) -> str:
        """Return the key of this side for a relative key."""
        return self.prefix + relative

    def parameters(self) -> dict[str, str]:
        """Return what every request to this bucket carries besides its own parameters."""
        parameters = {"Bucket": self.bucket}
        if self.owner:
            parameters["ExpectedBucketOwner"] = self.owner
        if self.requester_pays:
            parameters["RequestPayer"] = "requester"
        return parameters

    def object_parameters(self, relative: str) -> dict[str, str]:
        """Return what every request for one object of this bucket carries."""
        return {**self.parameters(), "Key": self.key(relative)}

    def address(self, relative: str = "") -> str:
        """Return the address for people: `s3://bucket/prefix/key`."""
        return f"s3://{self.bucket}/{self.key(relative)}"


@dataclass(frozen=True)
class AppliedPlan:
    """The plan of a dry run that a run carries out: its folder, its digest, and what names the indexes of its waves."""

    folder: str
    digest: str
    waves: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Return what the input calls it: `<state machine>/<execution name>`."""
        return self.folder.removeprefix(f"{RUNS}/")

    def to_json(self) -> dict[str, Any]:
        """Return plain data, of some 100 bytes for each wave."""
        return {"folder": self.folder, "digest": self.digest, "waves": list(self.waves)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AppliedPlan:
        """Return the plan that `to_json` wrote."""
        return cls(data["folder"], data["digest"], data["waves"])


@dataclass(frozen=True)
class Run:
    """Everything a worker needs to know; `to_json` is what the state machine carries as `$.run`."""

    folder: str
    execution: str
    started_at: str
    options: Options
    source: Side
    destination: Side
    s3_started_at: str | None = None
    plan: AppliedPlan | None = None

    @classmethod
    def of(
        cls,
        execution: Mapping[str, str],
        options: Options,
        regions: tuple[str | None, str | None],
        s3_started_at: str | None = None,
    ) -> Run:
        """Return the run of an execution (`{"id", "name", "startTime", "stateMachine"}`).

        `s3_started_at` is what the destination's own clock said before anything was written.
        """
        source = Side(options.source, options.prefix, regions[0], options.sourceOwner, options.requestPayer)
        destination = Side(
            options.destination, options.destinationPrefix, regions[1], options.destinationOwner
        )
        folder, started_at = folder_of(execution), execution["startTime"]
        return cls(folder, execution["id"], started_at, options, source, destination, s3_started_at)

    def to_json(self) -> dict[str, Any]:
        """Return plain data of a few hundred bytes."""
        return {
            "folder": self.folder,
            "execution": self.execution,
            "startedAt": self.started_at,
            "s3StartedAt": self.s3_started_at,
            "options": self.options.to_json(),
            "compareConcurrency": min(self.options.maxConcurrency, MAX_COMPARING),
            "largeConcurrency": max(1, self.options.maxConcurrency // LARGE_WORKERS),
            "regions": [self.source.region, self.destination.region],
            **({"plan": self.plan.to_json()} if self.plan else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Run:
        """Return the run that `to_json` wrote."""
        options = Options.from_json(data["options"])
        execution = {"id": data["execution"], "startTime": data["startedAt"]}
        run = cls.of({**execution, "stateMachine": "", "name": ""}, options, tuple(data["regions"]))
        plan = AppliedPlan.from_json(data["plan"]) if data.get("plan") else None
        return replace(run, folder=data["folder"], s3_started_at=data.get("s3StartedAt"), plan=plan)

    @property
    def compared_in(self) -> str:
        """Return the folder with the records of the comparison: its own, or that of the dry run whose plan it carries out."""
        return self.plan.folder if self.plan else self.folder

    def start_second(self) -> datetime:
        """Return when the run began by S3's clock, else by that of Step Functions, cut to the second as LastModified is."""
        began = self.s3_started_at or self.started_at
        return datetime.fromisoformat(began).replace(microsecond=0)

    def is_mappable(self, relative: str) -> bool:
        """Whether the destination can have this key: 1 to 1,024 bytes."""
        return 1 <= len(self.destination.key(relative).encode()) <= MAX_KEY_BYTES


def folder_of(execution: Mapping[str, str]) -> str:
    """Return where a run keeps its files in the work bucket: `runs/<state machine>/<execution name>`."""
    return f"{RUNS}/{execution['stateMachine']}/{execution['name']}"


def scope_filter(options: Options) -> Callable[[str], bool]:
    """Return the filter on relative keys: included by some pattern (or none given) and excluded by none; `*` crosses `/`."""
    include, exclude = _pattern(options.include), _pattern(options.exclude)

    def is_in_scope(key: str) -> bool:
        return (include is None or bool(include.match(key))) and not (exclude and exclude.match(key))

    return is_in_scope


class Listed(Protocol):
    """What a listing says of an object besides its key."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def modified(self) -> datetime:
        """When it was written, with its zone."""

    @property
    def storage_class(self) -> str:
        """Its class, "STANDARD" where S3 names none."""


def size_filter(options: Options) -> Callable[[Listed], bool] | None:
    """Return what tells the objects that are smaller than `minSize` or larger than `maxSize`; None where both are open."""
    if options.minSize is None and options.maxSize is None:
        return None
    low, high = options.minSize or 0, math.inf if options.maxSize is None else options.maxSize
    return lambda found: not low <= found.size <= high


def source_filter(options: Options) -> Callable[[Listed], bool] | None:
    """Return what tells the source objects that filters leave out, by size, time or class; None where there is no filter."""
    is_outside = size_filter(options)
    if not options.has_source_filters:
        return is_outside
    classes = frozenset(options.storageClasses)
    begin, end = (text and moment(text) for text in (options.modifiedAfter, options.modifiedBefore))

    def is_left_out(found: Listed) -> bool:
        return (
            (is_outside is not None and is_outside(found))
            or bool(begin and found.modified < begin)
            or bool(end and found.modified >= end)
            or bool(classes and found.storage_class not in classes)
        )

    return is_left_out


@functools.lru_cache
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs)) if globs else None


def option_warnings(options: Options) -> list[str]:
    """Return what whoever gives these options may take them for, and they are not."""
    if options.serverSideEncryption is None:
        return []
    return [
        "serverSideEncryption holds for what is copied; what is already equal at the destination is not copied again for it "
        "and stays encrypted as it is."
    ]
