"""What is kept: objects, uploads under way, buckets; and how a test puts something there without a request."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from fake_s3.contents import Content, combined_etag, composite

HOUR = 3600
ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
)


class Refusal(Exception):
    """S3 refuses a request."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or f"{code}, says the fake S3."


@dataclass(frozen=True)
class Checksum:
    """A checksum that S3 keeps with an object, such as CRC64NVME, FULL_OBJECT, "Vi6ZVL5u6Y8="."""

    algorithm: str
    kind: str
    value: str

    def members(self) -> dict[str, str]:
        """Return it as answers carry it."""
        return {f"Checksum{self.algorithm}": self.value, "ChecksumType": self.kind}


@dataclass(frozen=True)
class Stored:
    """One object; `part_sizes` of one that was uploaded in parts, `part_checksums` if those were uploaded with checksums.

    `lock` is its Object Lock as HeadObject tells it, such as `{"ObjectLockLegalHoldStatus": "ON"}`.
    """

    key: str
    content: Content
    etag: str
    modified: datetime
    part_sizes: tuple[int, ...] = ()
    part_checksums: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    redirect: str | None = None
    storage_class: str = "STANDARD"
    is_restored: bool = False
    encryption: str = "AES256"
    checksum: Checksum | None = None
    is_being_restored: bool = False
    lock: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.content.size

    @property
    def is_archived(self) -> bool:
        """Whether the bytes cannot be read now."""
        return self.storage_class in ARCHIVED and not self.is_restored


@dataclass(frozen=True)
class UploadedPart:
    """One part of an upload under way."""

    content: Content
    etag: str
    checksum: str | None
    modified: datetime


@dataclass
class Upload:
    """A multipart upload under way; `checksum` is (algorithm, type)."""

    id: str
    key: str
    initiated: datetime
    properties: Mapping[str, Any]
    checksum: tuple[str, str] | None = None
    parts: dict[int, UploadedPart] = field(default_factory=dict)
    initiator: str = ""
    encryption: str = "AES256"


_numbers = itertools.count(1)


@dataclass
class Bucket:
    """One bucket; `encryption` is what it gives to new objects, `deletions` the delete markers of a versioned one, in order.

    `now` is the clock of the S3; LastModified has a resolution of one second.
    """

    name: str
    now: Callable[[], datetime]
    region: str = "eu-west-1"
    owner: str = "111122223333"
    encryption: str = "AES256"
    is_versioned: bool = False
    has_object_lock: bool = False
    objects: dict[str, Stored] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    noncurrent: list[Stored] = field(default_factory=list)
    deletions: list[str] = field(default_factory=list)
    _sorted: list[str] | None = None

    def put(
        self, key: str, what: bytes | int | Content = b"", age_seconds: float = HOUR, **more: Any
    ) -> Stored:
        """Write an object of these bytes, or of so many unlike any other; `checksum` may be an algorithm, `etag` any text."""
        content = content_of(what)
        algorithm = more.pop("checksum", None)
        values = {"encryption": self.encryption, **more}
        values.setdefault("etag", self.new_etag(content.md5(), values["encryption"]))
        if algorithm:
            values["checksum"] = Checksum(algorithm, "FULL_OBJECT", content.checksum(algorithm))
        return self.keep(Stored(key, content, modified=self._aged(age_seconds), **values))

    def put_parts(
        self, key: str, *parts: bytes | int | Content, age_seconds: float = HOUR, **more: Any
    ) -> Stored:
        """Write an object that was uploaded in these parts; `checksum` may be (algorithm, type)."""
        contents = [content_of(part) for part in parts]
        checksum = more.pop("checksum", None)
        values = {"encryption": self.encryption, **more}
        etag = self.new_etag(combined_etag([part.md5() for part in contents]), values["encryption"])
        sums: dict[str, Any] = checksums(contents, checksum) if checksum else {}
        sizes = tuple(part.size for part in contents)
        whole = Content.joined(contents)
        modified = self._aged(age_seconds)
        return self.keep(Stored(key, whole, etag, modified, part_sizes=sizes, **{**values, **sums}))

    def keep(self, stored: Stored) -> Stored:
        """Make an object the current one of its key."""
        self._leave(stored.key)
        self.objects[stored.key] = stored
        self._sorted = None
        return stored

    def delete(self, key: str) -> bool:
        """Delete an object, which in a versioned bucket leaves a delete marker; return whether it left one."""
        self._leave(key)
        self._sorted = None
        if self.is_versioned:
            self.deletions.append(key)
        return self.is_versioned

    def alter(self, key: str, **values: Any) -> None:
        """Change what is kept of an object, without writing it."""
        self.objects[key] = replace(self.objects[key], **values)

    def keys(self) -> list[str]:
        """Return the keys in S3's order, that of their UTF-8 bytes."""
        if self._sorted is None:
            self._sorted = sorted(self.objects, key=str.encode)
        return self._sorted

    def contents(self) -> dict[str, Content]:
        """Return what each key holds."""
        return {key: self.objects[key].content for key in self.keys()}

    def open_uploads(self) -> list[str]:
        """Return the keys of the uploads under way."""
        return sorted(upload.key for upload in self.uploads.values())

    def new_etag(self, md5: str, encryption: str) -> str:
        """Return the ETag of a new object or part, which is no MD5 and never the same where a key of KMS encrypts it.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
        """
        if encryption == "AES256":
            return md5
        _, dash, count = md5.partition("-")
        return hashlib.sha256(f"kms {next(_numbers)}".encode()).hexdigest()[:32] + dash + count

    def second(self) -> datetime:
        """Return the time as LastModified has it."""
        return self.now().replace(microsecond=0)

    def _aged(self, age_seconds: float) -> datetime:
        return (self.now() - timedelta(seconds=age_seconds)).replace(microsecond=0)

    def _leave(self, key: str) -> None:
        before = self.objects.pop(key, None)
        if before and self.is_versioned:
            self.noncurrent.append(before)


def content_of(what: bytes | int | Content) -> Content:
    """Return bytes as content; a number is so many bytes that nothing else has."""
    if isinstance(what, Content):
        return what
    return Content.virtual(f"seed {next(_numbers)}", what) if isinstance(what, int) else Content.of(what)


def checksums(parts: Sequence[Content], checksum: tuple[str, str]) -> dict[str, Any]:
    """Return the checksum of an object uploaded in parts with (algorithm, type), and those of its parts."""
    algorithm, kind = checksum
    each = tuple(part.checksum(algorithm) for part in parts)
    whole = Content.joined(parts).checksum(algorithm) if kind == "FULL_OBJECT" else composite(algorithm, each)
    return {"checksum": Checksum(algorithm, kind, whole), "part_checksums": each}
