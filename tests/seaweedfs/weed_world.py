"""Runs and single workers on SeaweedFS, with something that happens at a named moment: as on the fake S3, but over a real wire.

The buckets are new for every test. The clock is the machine's own, so nothing here can be an hour old: what differs, differs in
its bytes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from client_twins import twin_of
from runs_on_fake_s3 import World, without_pauses
from workers import Workers

from lambda_functions.shared.s3 import clients

REGION = "eu-west-1"
MB = 1024**2
_numbers = itertools.count(1)


@functools.cache
def made_once(endpoint: str, config: Config | None = None) -> Any:
    """Return the one client of an endpoint and a configuration; making one takes longer than a whole run."""
    return boto3.client("s3", region_name=REGION, endpoint_url=endpoint, config=config)


@dataclass(frozen=True)
class Bucket:
    """One bucket, written past the moments of a test."""

    name: str
    client: Any
    region: str = REGION

    def put(self, key: str, body: bytes, **more: Any) -> str:
        """Write an object; return its ETag without quotes."""
        return str(self.client.put_object(Bucket=self.name, Key=key, Body=body, **more)["ETag"].strip('"'))

    def put_parts(self, key: str, *bodies: bytes, **more: Any) -> str:
        """Write an object in parts; return its ETag without quotes."""
        place = {"Bucket": self.name, "Key": key}
        place["UploadId"] = self.client.create_multipart_upload(**place, **more)["UploadId"]
        parts = [
            {
                "PartNumber": number,
                "ETag": self.client.upload_part(**place, PartNumber=number, Body=body)["ETag"],
            }
            for number, body in enumerate(bodies, 1)
        ]
        answer = self.client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
        return str(answer["ETag"].strip('"'))

    def delete(self, key: str) -> None:
        """Delete an object."""
        self.client.delete_object(Bucket=self.name, Key=key)

    def bodies(self) -> dict[str, bytes]:
        """Return what each key holds."""
        return {key: self.body(key) for key in self.etags()}

    def body(self, key: str) -> bytes:
        """Return what one key holds."""
        return bytes(self.client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def etags(self) -> dict[str, str]:
        """Return key and ETag of every object."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return {one["Key"]: one["ETag"].strip('"') for page in pages for one in page.get("Contents", ())}

    def uploads(self) -> list[str]:
        """Return the keys of multipart uploads under way."""
        found = self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", ())
        return [upload["Key"] for upload in found]


@dataclass
class _Moment:
    operation: str
    action: Callable[[], Any]
    place: str
    left_before: int
    left: int


@dataclass
class Moments(Workers):
    """What the clients of our workers are about to send, and what a test has happen just before."""

    endpoint: str
    _moments: list[_Moment] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def clock(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def later(self) -> None:
        """Nothing: time passes by itself."""

    def before(
        self, operation: str, action: Callable[[], Any], *, place: str = "", nth: int = 1, times: int = 1
    ) -> None:
        """Do this just before the nth such request from now on is sent, and before as many in all as `times` says.

        `place` is how bucket and key must begin: `source-1/` is any object of that bucket.
        """
        self._moments.append(_Moment(operation, action, place, nth - 1, times))

    def happened(self) -> bool:
        """Whether everything that was to happen did."""
        return all(moment.left == 0 for moment in self._moments)

    def client(self, service: str, region_name: str | None, config: Config) -> Any:
        """Return a client for a worker; our lambdas' session is replaced by this."""
        if service != "s3":
            return SimpleNamespace(describe_execution=self._describe_execution)
        twin = twin_of(made_once(self.endpoint, config))
        twin.meta.events.register_first("before-send", self._before_send)
        return twin

    def _describe_execution(self, executionArn: str) -> dict[str, Any]:
        """Return that an execution is running, as the one that asks is."""
        return {"executionArn": executionArn, "status": "RUNNING", "startDate": self.clock}

    def _before_send(self, event_name: str, request: Any, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        place = urllib.parse.urlsplit(request.url).path[1:]
        with self._lock:
            for moment in [one for one in self._moments if self._is_due(one, operation, place)]:
                moment.action()

    def _is_due(self, moment: _Moment, operation: str, place: str) -> bool:
        if moment.operation != operation or not place.startswith(moment.place) or not moment.left:
            return False
        moment.left_before -= 1
        if moment.left_before >= 0:
            return False
        moment.left -= 1
        return True


class WeedWorld(World):
    """Three buckets on SeaweedFS, of which the work bucket is that of all worlds; runs as on the fake S3."""

    def _items(self, index: str) -> Iterable[Mapping[str, Any]]:
        items: Iterable[Mapping[str, Any]] = json.loads(self.work.body(index))
        return items


@functools.cache
def _work_bucket(client: Any) -> Bucket:
    return _new_bucket(client, "work-bucket")


def _new_bucket(client: Any, name: str) -> Bucket:
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Bucket(name, client)


@contextlib.contextmanager
def world_on_weed(endpoint: str) -> Iterator[WeedWorld]:
    """Yield the buckets of a run, and let our workers' clients talk to SeaweedFS."""
    client, number, moments = made_once(endpoint), next(_numbers), Moments(endpoint)
    buckets = [_new_bucket(client, f"{role}-{number}") for role in ("source", "destination")]
    buckets.append(_work_bucket(client))
    world = WeedWorld(moments, *buckets)
    with (
        mock.patch.object(clients, "_session", lambda: moments),
        mock.patch.dict("os.environ", WORK_BUCKET=buckets[2].name),
        without_pauses(world),
    ):
        yield world
