"""The worlds that have to converge: what stands in both buckets before the first run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .checksums_of_bytes import checksum, checksum_of_parts

MB = 1024**2
# What S3 takes of an object in parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
ONE_PIECE = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
IN_PARTS = (
    *(("CRC32", "FULL_OBJECT"), ("CRC32C", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT")),
    *(("CRC32", "COMPOSITE"), ("CRC32C", "COMPOSITE"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE")),
)
EQUAL = (b"a" * (5 * MB), b"b" * (5 * MB), b"c")
UNEQUAL = (b"b" * (6 * MB), b"a" * (5 * MB), b"c")
DESCRIBED = {
    "ContentType": "text/html; charset=utf-8",
    "CacheControl": "max-age=60, public",
    "ContentDisposition": 'attachment; filename="a b.txt"',
    "ContentEncoding": "gzip",
    "ContentLanguage": "de, en",
    "Expires": "Wed, 02 Jan 2030 03:04:05 GMT",
    "Metadata": {"colour": "red", "x-y": "1,2"},
}
TAGGED = {"Tagging": "team=a+b&key+1=x%3Dy%2Fz%3A%40"}
ELSEWHERE = {"WebsiteRedirectLocation": "/elsewhere"}
CLASSES = ("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR")


@dataclass(frozen=True)
class Given:
    """An object as a test writes it: in parts if it has any, else in one piece; `kind` is the type of a checksum of parts."""

    key: str
    body: bytes = b""
    parts: tuple[bytes, ...] = ()
    algorithm: str = ""
    kind: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def content(self) -> bytes:
        """Return all its bytes."""
        return b"".join(self.parts) or self.body

    def checksum(self) -> str:
        """Return what S3 must say that its checksum is; "" if it was written without one."""
        if not self.algorithm:
            return ""
        if self.parts:
            return checksum_of_parts(self.algorithm, self.kind, self.parts)
        return checksum(self.algorithm, self.body)

    def write(self, client: Any, bucket: str) -> None:
        """Write it; `client` must add no checksum by itself."""
        place = {"Bucket": bucket, "Key": self.key}
        if not self.parts:
            client.put_object(**place, Body=self.body, **self._checksum_of(self.body), **self.more)
            return
        opened = {"ChecksumAlgorithm": self.algorithm, "ChecksumType": self.kind} if self.algorithm else {}
        place["UploadId"] = client.create_multipart_upload(**place, **opened, **self.more)["UploadId"]
        parts = []
        for number, body in enumerate(self.parts, 1):
            own = self._checksum_of(body)
            answer = client.upload_part(**place, PartNumber=number, Body=body, **own)
            parts.append({"PartNumber": number, "ETag": answer["ETag"], **own})
        client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})

    def _checksum_of(self, body: bytes) -> dict[str, str]:
        return {f"Checksum{self.algorithm}": checksum(self.algorithm, body)} if self.algorithm else {}


@dataclass(frozen=True)
class Scene:
    """Both buckets before the first run; the destination is written first, so that it is the older.

    A copy may be other than its source in what `need_not_keep` names.
    """

    name: str
    source: tuple[Given, ...]
    destination: tuple[Given, ...] = ()
    is_large: bool = False
    need_not_keep: tuple[str, ...] = ()


def scenes() -> Iterator[Scene]:
    """Yield every world."""
    yield Scene("one piece", (Given("empty"), Given("small", b"1"), Given("large", b"1" * (6 * MB))))
    for algorithm in ONE_PIECE:
        yield Scene(f"one piece, {algorithm}", (Given("key", b"123", algorithm=algorithm),))
    for name, parts in {"equal": EQUAL, "unequal": UNEQUAL}.items():
        yield Scene(f"{name} parts", (Given("key", parts=parts),))
        for algorithm, kind in IN_PARTS:
            one = Given("key", parts=parts, algorithm=algorithm, kind=kind)
            yield Scene(f"{name} parts, {algorithm} {kind}", (one,))
    yield _one_part()
    yield Scene(
        "parts by many workers",
        (Given("key", parts=UNEQUAL, algorithm="SHA256", kind="COMPOSITE"),),
        is_large=True,
    )
    yield from _described()
    yield from _differing()


def _one_part() -> Scene:
    """Return objects of one part, which CopyObject makes into one piece: their copies have the ETag and checksum of that."""
    checked = Given("checked", parts=(b"1",), algorithm="SHA256", kind="COMPOSITE")
    not_kept = ("ETag", "ChecksumType", "ChecksumSHA256", "parts")
    return Scene("one part", (Given("plain", parts=(b"1",)), checked), need_not_keep=not_kept)


def _described() -> Iterator[Scene]:
    every = {**DESCRIBED, **TAGGED}
    # CopyObject keeps `Expires` on AWS; here it is lost, while an upload that is opened with it has it.
    one, parts = Given("one", b"1", more=every), Given("parts", parts=EQUAL, more=every)
    yield Scene("headers, metadata, tags", (one,), need_not_keep=("ExpiresString",))
    yield Scene("headers, metadata, tags in parts", (parts,))
    yield Scene("a redirect", (Given("one", more=ELSEWHERE), Given("parts", parts=EQUAL, more=ELSEWHERE)))
    for name in CLASSES:
        more = {"StorageClass": name}
        yield Scene(f"class {name}", (Given("one", b"1", more=more), Given("parts", parts=EQUAL, more=more)))


def _differing() -> Iterator[Scene]:
    kept, orphans = Given("kept", b"1"), (Given("orphan", b"1"), Given("orphan/2", b"2"))
    yield Scene("orphans", (kept,), (kept, *orphans))
    yield Scene("other bytes", (Given("key", b"new"),), (Given("key", b"old"),))
    yield Scene("other size", (Given("key", b"new"),), (Given("key", b"older"),))
    yield Scene("other bytes in parts", (Given("key", parts=EQUAL),), (Given("key", parts=UNEQUAL),))
    yield Scene(
        "the same bytes in other parts",
        (Given("key", parts=EQUAL),),
        (Given("key", b"".join(EQUAL)),),
        need_not_keep=(
            "ETag",
            "parts",
        ),  # equal checksums of all bytes prove it current, unless the source is newer
    )
