"""Buckets of a world on moto, written to and read from its memory, and moto made more like AWS, and faster.

`functional/wire.py` lets moto enforce conditions. Worlds meet more of what moto leaves out or gets wrong:

- HeadObject tells the type of a checksum, and the number of parts of a composite one; asked for a part, all about the object
  but the part's size
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html)
- a copy made by CopyObject has the tags of its source and no others; it is of one piece, and so is its checksum
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html)
- ListObjectsV2 tells the type of a checksum, and encodes StartAfter as it encodes keys
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html)
- GetObjectTagging answers for archived objects too
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html)
- CreateMultipartUpload takes a website redirect
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html)
- what is written is encrypted as the request says, else as the bucket does; under KMS, ETags of objects and of parts are no MD5s
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html)
- UploadPartCopy refuses a range that says no bytes of the source
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html)
"""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import itertools
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.hooks
from blueprints import CONTENT_HEADERS, checksum_of
from machine_on_moto import ACCOUNT, REGION, WORK_BUCKET, Machine
from moto.core.base_backend import BaseBackend
from moto.core.responses import ActionResult
from moto.s3.exceptions import InvalidRange
from moto.s3.models import FakeKey, FakeMultipart, S3Backend, s3_backends
from moto.s3.responses import S3Response
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from oracle import Checksum, Encryption, Object, encryption_of_copies
from wire import tags_of

META = "x-amz-meta-"
identities = itertools.count(1)


def backend() -> S3Backend:
    """Return moto's S3."""
    found: S3Backend = s3_backends[ACCOUNT]["aws"]
    return found


def fill(bucket: str, objects: Mapping[str, Object]) -> None:
    """Make a bucket with these objects."""
    backend().create_bucket(bucket, REGION)
    for key, made in objects.items():
        put(bucket, key, made)


def put(bucket: str, key: str, made: Object) -> None:
    """Write an object as it is, whatever its ETag and time."""
    written = _put_parts(bucket, key, made) if made.parts else backend().put_object(bucket, key, made.body)
    described = {f"{META}{name}": value for name, value in made.metadata.items()}
    written.set_metadata({**made.headers, **described})
    written.set_storage_class(made.storage_class)
    written.website_redirect_location = made.redirect
    written.encryption, written.kms_key_id = made.encryption, made.kms_key
    written._etag = made.etag
    written.last_modified = datetime.fromtimestamp(made.modified, UTC).replace(tzinfo=None)
    if made.is_restored:
        written.restore(3)
        written.status = "RESTORED"
    _set_checksum(written, made.checksum)
    backend().put_object_tagging(written, dict(made.tags))


def _put_parts(bucket: str, key: str, made: Object) -> FakeKey:
    upload = backend().create_multipart_upload(bucket, key, {}, made.storage_class, {}, None, None, None)
    done, start = [], 0
    for number, size in enumerate(made.parts, 1):
        part = backend().upload_part(bucket, upload.id, number, made.body[start : start + size])
        done.append((number, part.etag))
        start += size
    written = backend().complete_multipart_upload(bucket, upload.id, iter(done))
    assert written
    return written


def _set_checksum(written: FakeKey, checksum: Checksum | None) -> None:
    if checksum is None:
        written.checksum_algorithm = written.checksum_type = written.checksum_value = (
            written.checksum_parts
        ) = None
        return
    value, _, number = checksum.value.partition("-")
    written.checksum_algorithm, written.checksum_type = checksum.algorithm, checksum.type
    written.checksum_value, written.checksum_parts = value, int(number) if number else None


def encrypt_by_default(bucket: str, default: Encryption) -> None:
    """Let a bucket encrypt so what is put into it from now on and says nothing else."""
    rule = {"SSEAlgorithm": default.word, "KMSMasterKeyID": default.key}
    backend().put_bucket_encryption(bucket, {"Rule": {"ApplyServerSideEncryptionByDefault": rule}})


def _encryption(bucket: str, word: str | None, key: str | None) -> Encryption:
    """Return how something is encrypted that is put into a bucket with these headers."""
    there = backend().get_bucket(bucket).encryption
    rule = there["Rule"]["ApplyServerSideEncryptionByDefault"] if there else {"SSEAlgorithm": "AES256"}
    default = Encryption(rule["SSEAlgorithm"], rule.get("KMSMasterKeyID"))
    named = {"serverSideEncryption": word, "sseKmsKeyId": key}
    return encryption_of_copies(named, default)


def _encrypt(written: FakeKey, how: Encryption) -> None:
    """Encrypt an object, or a part; where KMS does, its ETag is none that anything else has."""
    written.encryption, written.kms_key_id = how.word, how.key
    if how.is_kms:
        _, dash, count = written.etag.strip('"').partition("-")
        opaque = hashlib.md5(f"written {next(identities)}".encode()).hexdigest()
        written._etag = f"{opaque}{dash}{count}"


def snapshot(bucket: str) -> dict[str, Object]:
    """Return everything in a bucket; two objects are the same one if their identities are equal."""
    keys = backend().get_bucket(bucket).keys
    return {key: _read(keys[key]) for key in keys}


def _read(found: FakeKey) -> Object:
    parts = found.multipart.parts if found.multipart else {}
    return Object(
        found.value,
        found.etag.strip('"'),
        int(found.last_modified.replace(tzinfo=UTC).timestamp()),
        {name: found.metadata[name] for name in CONTENT_HEADERS if name in found.metadata},
        {name.removeprefix(META): value for name, value in found.metadata.items() if name.startswith(META)},
        tags_of(found),
        found.website_redirect_location,
        found.storage_class or "STANDARD",
        found._expiry is not None,
        found.encryption,
        _checksum_of(found),
        tuple(parts[number].size for number in sorted(parts)),
        found.__dict__.setdefault("identity", next(identities)),
        found.kms_key_id,
    )


def _checksum_of(found: FakeKey) -> Checksum | None:
    if not found.checksum_algorithm:
        return None
    number = f"-{found.checksum_parts}" if found.checksum_type == "COMPOSITE" else ""
    return Checksum(
        found.checksum_algorithm, found.checksum_type or "FULL_OBJECT", f"{found.checksum_value}{number}"
    )


def forget(machine: Machine, *buckets: str) -> None:
    """Forget a world: its buckets, its executions, the run folders. What is kept is looked through by every later run."""
    for bucket in (*buckets, WORK_BUCKET):
        for key in list(backend().get_bucket(bucket).keys):
            backend().delete_object(bucket, key)
    for bucket in buckets:
        backend().delete_bucket(bucket)
    machines = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
    for found in machines:
        found.executions.clear()
    for noted in (machine.calls, machine.slept, machine.paused, machine.endings, machine.wire.sent):
        noted.clear()


@contextlib.contextmanager
def more_like_aws() -> Iterator[None]:
    """Let moto do what the head of this file says."""
    with (
        mock.patch.object(S3Response, "head_object", _head_object),
        mock.patch.object(S3Response, "get_object_tagging", _get_object_tagging),
        mock.patch.object(S3Response, "serialized", _serialized),
        mock.patch.object(S3Backend, "copy_object", _copy_object),
        mock.patch.object(S3Backend, "create_multipart_upload", _create_multipart_upload),
        mock.patch.object(S3Backend, "upload_part", _upload_part),
        mock.patch.object(S3Backend, "upload_part_copy", _upload_part_copy),
        mock.patch.object(S3Backend, "complete_multipart_upload", _complete_multipart_upload),
    ):
        yield


def _head_object(
    self: S3Response, *arguments: Any, ask: Any = S3Response.head_object, **named: Any
) -> tuple[int, dict[str, Any], Any]:
    status, answered, body = ask(self, *arguments, **named)
    found = backend().get_bucket(self.bucket_name).keys.get(self.parse_key_name())
    if found and status < 300:
        answered |= {name: value for name, value in found.response_dict.items() if name != "content-length"}
    checksum = _checksum_of(found) if found else None
    if checksum and f"x-amz-checksum-{checksum.algorithm.lower()}" in answered:
        answered[f"x-amz-checksum-{checksum.algorithm.lower()}"] = checksum.value
        answered["x-amz-checksum-type"] = checksum.type
    return status, answered, body


def _get_object_tagging(self: Any, ask: Any = S3Response.get_object_tagging) -> Any:
    self._get_key = functools.partial(self._get_key, validate_storage_class=False)
    return ask(self)


def _serialized(self: S3Response, answer: ActionResult, *more: Any, make: Any = S3Response.serialized) -> Any:
    if self.data.get("Action") == "ListObjectsV2":
        said = answer.result
        keys = backend().get_bucket(self.bucket_name).keys
        said["StartAfter"] = urllib.parse.quote(said.get("StartAfter", ""))
        for item in said["Contents"]:
            checksum = _checksum_of(keys[urllib.parse.unquote(item["Key"])])
            item |= {"ChecksumType": checksum.type} if checksum else {}
    if self.data.get("Action") == "CreateMultipartUpload":
        upload: Any = backend().get_bucket(self.bucket_name).multiparts[answer.result["UploadId"]]
        upload.redirect = self.headers.get("x-amz-website-redirect-location")
        status, headers, body = make(self, answer, *more)
        return status, {**headers, "x-amz-server-side-encryption": upload.sse_encryption}, body
    return make(self, answer, *more)


def _copy_object(
    self: S3Backend,
    source: FakeKey,
    bucket: str,
    key: str,
    *more: Any,
    copy_it: Any = S3Backend.copy_object,
    **named: Any,
) -> None:
    algorithm = source.checksum_algorithm
    copy_it(self, source, bucket, key, *more, **named)
    copied = self.get_bucket(bucket).keys[key]
    copied.multipart = None
    self.put_object_tagging(copied, tags_of(source))
    _set_checksum(copied, checksum_of(copied.value, (), algorithm, "FULL_OBJECT") if algorithm else None)
    _encrypt(copied, _encryption(bucket, named["encryption"], named["kms_key_id"]))


def _create_multipart_upload(
    self: S3Backend,
    bucket: str,
    *about: Any,
    create: Any = S3Backend.create_multipart_upload,
) -> FakeMultipart:
    *others, word, key = about
    how = _encryption(bucket, word, key)
    upload: FakeMultipart = create(self, bucket, *others, how.word, how.key)
    return upload


def _upload_part(self: S3Backend, *place: Any, upload: Any = S3Backend.upload_part) -> FakeKey:
    part: FakeKey = upload(self, *place)
    _encrypt(part, Encryption(part.encryption or "AES256", part.kms_key_id))
    return part


def _upload_part_copy(
    self: S3Backend, *place: Any, copy_it: Any = S3Backend.upload_part_copy, **named: Any
) -> FakeKey:
    first, last = named["start_byte"], named["end_byte"]
    size = self.get_bucket(named["src_bucket_name"]).keys[named["src_key_name"]].size
    if first is not None and not 0 <= first <= last < size:
        raise InvalidRange(str(size), f"{first}-{last}")
    part: FakeKey = copy_it(self, *place, **named)
    _encrypt(part, Encryption(part.encryption or "AES256", part.kms_key_id))
    return part


def _complete_multipart_upload(
    self: S3Backend, *place: Any, complete: Any = S3Backend.complete_multipart_upload
) -> FakeKey:
    written: FakeKey = complete(self, *place)
    upload: Any = written.multipart
    written.website_redirect_location = getattr(upload, "redirect", None)
    _encrypt(written, Encryption(upload.sse_encryption, upload.kms_key_id))
    return written


@contextlib.contextmanager
def faster() -> Iterator[None]:
    """Spare moto and botocore what takes a third of a run: lists of addresses, names of events, deep copies of plain data."""
    known: dict[type, Any] = {}
    addresses = BaseBackend.urls.fget  # type: ignore[attr-defined]

    def urls(self: BaseBackend) -> Any:
        if type(self) not in known:
            known[type(self)] = addresses(self)
        return known[type(self)]

    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(BaseBackend, "urls", property(urls)))
        patches.enter_context(mock.patch.object(botocore.hooks.EventAliaser, "__copy__", _copy_with_names))
        quick = SimpleNamespace(deepcopy=_plain, copy=copy.copy)
        for name, module in list(sys.modules.items()):
            if name.startswith("moto.stepfunctions.parser") and getattr(module, "copy", None) is copy:
                patches.enter_context(mock.patch.object(module, "copy", quick))
        yield


def _copy_with_names(self: botocore.hooks.EventAliaser) -> botocore.hooks.EventAliaser:
    twin = type(self)(copy.copy(self._emitter), copy.copy(self._event_aliases))
    twin._alias_name_cache = self._alias_name_cache
    return twin


def _plain(value: Any, memo: Any = None) -> Any:
    """Return a deep copy; nearly all that an interpreter of states copies is JSON."""
    if type(value) is dict:
        return {name: _plain(one, memo) for name, one in value.items()}
    if type(value) is list:
        return [_plain(one, memo) for one in value]
    return value if isinstance(value, str | int | float | None) else copy.deepcopy(value, memo)
