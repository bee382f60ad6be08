"""Plays a world: two whole runs through the real handlers, and what both buckets hold afterwards, read by this module alone."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from weed_world import REGION, WeedWorld, world_on_weed

from lambda_functions.shared.compare import plan_writer

from .localstack_worlds import MB, Given, Scene

CHECKSUMS = ("ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256")
# What a copy has to keep, as HeadObject says it.
KEPT = (
    *("ETag", "ContentLength", "StorageClass", "WebsiteRedirectLocation", "Metadata"),
    *(
        "ContentType",
        "CacheControl",
        "ContentDisposition",
        "ContentEncoding",
        "ContentLanguage",
        "ExpiresString",
    ),
    *("ChecksumType", *CHECKSUMS),
)
READING = {"HEAD_BUCKET", "LIST", "HEAD", "GET_OBJECT_TAGGING"}
Look = Mapping[str, Any]


@dataclass(frozen=True)
class Played:
    """What came of a world: the requests of both runs, and a sentence for everything that is not as it must be."""

    name: str
    first: Mapping[str, int]
    second: Mapping[str, int]
    wrong: list[str]
    seconds: float


def play(scene: Scene, endpoint: str) -> Played:
    """Play one world in new buckets."""
    began = time.monotonic()
    with world_on_weed(endpoint) as world, _large_from(MB if scene.is_large else plan_writer.LARGE_BYTES):
        client = client_without_checksums(endpoint)
        for bucket, objects in ((world.destination, scene.destination), (world.source, scene.source)):
            for one in objects:
                one.write(client, bucket.name)
        before = looks(client, world.source.name)
        first, second = world.run(maxDelete="100%"), world.run(maxDelete="100%")
        wrong = wrong_first(first) + wrong_second(second) + wrong_source(scene.source, before)
        wrong += differences(before, looks(client, world.source.name), "the source was changed: ")
        wrong += _differences_of_copies(scene, before, looks(client, world.destination.name))
        wrong += [f"an upload of {key!r} is left open" for key in _uploads(world)]
    requests = [report.get("requests", {}) for report in (first, second)]
    return Played(scene.name, *requests, wrong, time.monotonic() - began)


def _differences_of_copies(scene: Scene, source: Mapping[str, Look], copies: Mapping[str, Look]) -> list[str]:
    """Return a sentence for everything that copies have to keep and did not."""

    def kept(seen: Mapping[str, Look]) -> dict[str, Look]:
        return {
            key: {name: look[name] for name in look if name not in scene.need_not_keep}
            for key, look in seen.items()
        }

    return differences(kept(source), kept(copies))


def wrong_first(report: Mapping[str, Any]) -> list[str]:
    """Return why a first run did not end well."""
    return [] if report["outcome"] == "Succeeded" else [_ended("first", report)]


def wrong_second(report: Mapping[str, Any]) -> list[str]:
    """Return what a second run did though there was nothing left to do."""
    wrong = [] if report["outcome"] == "Succeeded" else [_ended("second", report)]
    for word in ("copy", "delete"):
        if number := report["plan"][word]["objects"]:
            wrong.append(f"the second run plans to {word} {number}")
    sent = sorted(set(report["requests"]) - READING)
    return wrong + ([f"the second run sends {', '.join(sent)}"] if sent else [])


def _ended(which: str, report: Mapping[str, Any]) -> str:
    named = [f"{one['key']}: {one['error']}" for one in report["notSynchronised"]]
    return f"the {which} run ended with {report['outcome']}: {'; '.join(named) or report['cause']}"


def wrong_source(given: tuple[Given, ...], seen: Mapping[str, Look]) -> list[str]:
    """Return in what the server says something else of the source than what was written."""
    wrong = []
    for one in given:
        look = seen.get(one.key, {})
        if look.get("body") != one.content():
            wrong.append(f"{one.key!r} has not the bytes that were written")
        if one.checksum() and one.checksum() != look.get(f"Checksum{one.algorithm}"):
            wrong.append(f"{one.key!r} has not the {one.algorithm} that was written")
        if one.kind and one.kind != look.get("ChecksumType"):
            wrong.append(f"{one.key!r} has a checksum of the type {look.get('ChecksumType')}")
        if one.parts and look.get("parts") != [len(part) for part in one.parts]:
            wrong.append(f"{one.key!r} has the parts {look.get('parts')}")
    return wrong


def differences(expected: Mapping[str, Look], seen: Mapping[str, Look], what: str = "") -> list[str]:
    """Return a sentence for every difference between what two buckets hold."""
    wrong = [f"{what}{key!r} is missing" for key in sorted(expected.keys() - seen.keys())]
    wrong += [f"{what}{key!r} is there" for key in sorted(seen.keys() - expected.keys())]
    for key in sorted(expected.keys() & seen.keys()):
        before, after = expected[key], seen[key]
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        wrong += [
            f"{what}{key!r}: {name} is {_short(after.get(name))}, expected {_short(before.get(name))}"
            for name in names
        ]
    return wrong


def _short(value: Any) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else repr(value)


def looks(client: Any, bucket: str) -> dict[str, Look]:
    """Return of every object in a bucket: its bytes, tags, sizes of parts and all that HeadObject says of it."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return {key: _look(client, {"Bucket": bucket, "Key": key}) for key in keys}


def _look(client: Any, place: Mapping[str, str]) -> Look:
    head = client.head_object(**place, ChecksumMode="ENABLED")
    tags = client.get_object_tagging(**place)["TagSet"]
    return {
        **{name: head[name] for name in KEPT if name in head},
        "body": client.get_object(**place)["Body"].read(),
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
        "parts": _parts(client, place) if "-" in head["ETag"] else [],
    }


def _parts(client: Any, place: Mapping[str, str]) -> list[int]:
    number = client.head_object(**place, PartNumber=1)["PartsCount"]
    return [client.head_object(**place, PartNumber=one)["ContentLength"] for one in range(1, number + 1)]


def _uploads(world: WeedWorld) -> list[str]:
    return [*world.source.uploads(), *world.destination.uploads()]


@functools.cache
def client_without_checksums(endpoint: str) -> Any:
    """Return a client that sends no checksum by itself."""
    config = Config(
        request_checksum_calculation="when_required", response_checksum_validation="when_required"
    )
    return boto3.client("s3", region_name=REGION, endpoint_url=endpoint, config=config)


@contextlib.contextmanager
def _large_from(size: int) -> Iterator[None]:
    """Let objects from this size on be copied by many workers."""
    with mock.patch.object(plan_writer, "LARGE_BYTES", size):
        yield
