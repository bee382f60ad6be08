"""Copying one object in parts: with the source's own part boundaries, so that the copy has the source's ETag.

`plan` asks the source what it is made of, `create_upload` opens the upload with the source's properties (UploadPartCopy
carries none), `copy_part` copies one part, `complete_upload` completes it under the destination's condition. Every part names the
ETag that the source was listed with, so parts of two versions never meet in one object.

Requests for p parts: 1 HEAD, 1 GetObjectTagging, 1 CreateMultipartUpload, p UploadPartCopy, 1 CompleteMultipartUpload, and what
`parts` asks where the first part's size does not explain the number of parts, or a guess could not be confirmed.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared.apply.annotations import put_annotations
from lambda_functions.shared.apply.copy_parameters import (
    copy_source,
    destination_condition,
    upload_properties,
)
from lambda_functions.shared.apply.object_lock import lock_headers
from lambda_functions.shared.apply.parts import (
    Part,
    default_parts,
    exact_parts,
    guess_parts,
    head_first_part,
    head_part,
    is_listed,
)
from lambda_functions.shared.errors import SourceChanged, SyncError, describe
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.checksums import carried_checksum, checksum_of_nothing
from lambda_functions.shared.s3.clients import Clients, extra_headers
from lambda_functions.shared.s3.etags import etag_of, is_plain, multipart_etag, part_count
from lambda_functions.shared.s3.heads import get_tags
from lambda_functions.shared.work_items import ToCopy

# The most that the x-amz-tagging header takes, URL-encoded; more tags are put afterwards.
MAX_TAGGING_BYTES = 2048
# Where the copy or its bucket has an Object Lock, S3 takes a part with bytes, even with none, only with a digest of them:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html#API_UploadPart_RequestSyntax (Content-MD5)
MD5_OF_NOTHING = "1B2M2Y8AsgTpgAmY7PhCfg=="
# What opens an upload with checksums.
CHECKSUM_PARAMETERS = ("ChecksumAlgorithm", "ChecksumType")


@dataclass(frozen=True)
class MultipartPlan:
    """How one object is copied in parts.

    `are_guessed` until the ETag of the copied parts has confirmed the boundaries; `is_plain` if the source's ETag is of MD5s;
    `expires` is the header as S3 keeps it, which may be any text; `lock` has the headers of the copy's Object Lock.
    """

    parts: list[Part]
    properties: dict[str, Any]
    expires: str
    tagging: str
    are_guessed: bool
    is_plain: bool
    lock: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Upload:
    """An upload under way; `is_provable` if the ETags of its parts can tell whether the boundaries were guessed right.

    They cannot where the source or the copy is encrypted with KMS, whose ETags look like MD5s and are none. `was_repeated` if
    botocore sent the request more than once, each of which may have opened an upload.
    """

    id: str
    is_provable: bool
    was_repeated: bool = False


@dataclass(frozen=True)
class CopiedPart:
    """One part at the destination: its number, its ETag without quotes, and the checksums S3 computed for it."""

    number: int
    etag: str
    checksums: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"number": self.number, "etag": self.etag, "checksums": dict(self.checksums)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CopiedPart:
        """Return what `to_json` wrote."""
        return cls(data["number"], data["etag"], data["checksums"])

    def for_completion(self) -> dict[str, Any]:
        """Return it as CompleteMultipartUpload expects it."""
        return {"PartNumber": self.number, "ETag": f'"{self.etag}"', **self.checksums}


@dataclass(frozen=True)
class MultipartCopy:
    """The steps in the copy of one object in parts."""

    clients: Clients
    run: Run
    item: ToCopy

    def plan(self, exact: bool = False) -> MultipartPlan:
        """Return the parts and properties of the source; raise `SourceChanged` if it is not the one that was listed."""
        clients, run, item, count = self.clients, self.run, self.item, part_count(self.item.etag)
        first = head_first_part(clients, run, item, count)
        head = first if is_listed(first, item) else head_part(clients, run, item, None)
        if not is_listed(head, item):
            raise SourceChanged(item.key)
        guess = None if exact else guess_parts(item, first)
        parts = guess or (exact_parts(clients, run, item, count) if count else default_parts(item.size))
        properties, expires = upload_properties(run, item, head), head.get("ExpiresString", "")
        is_guess, lock = guess is not None, lock_headers(clients, run, item, head)
        return MultipartPlan(parts, properties, expires, self.tagging(), is_guess, is_plain(head), lock)

    def create_upload(self, plan: MultipartPlan) -> Upload:
        """Open the upload with the source's properties."""
        others = {name: plan.properties[name] for name in plan.properties if name not in CHECKSUM_PARAMETERS}
        parameters = {**self._destination(), **others, **self._checksum()}
        if 0 < len(plan.tagging) <= MAX_TAGGING_BYTES:
            parameters["Tagging"] = plan.tagging
        # As a header, because the parameter takes dates only.
        expires = {"Expires": plan.expires} if plan.expires else {}
        with extra_headers("CreateMultipartUpload", {**expires, **plan.lock}):
            answer = self.clients.destination.create_multipart_upload(**parameters)
        was_repeated = answer["ResponseMetadata"].get("RetryAttempts", 0) > 0
        return Upload(str(answer["UploadId"]), plan.is_plain and is_plain(answer), was_repeated)

    def with_exact_parts(self, plan: MultipartPlan, upload: Upload) -> MultipartPlan:
        """Return the plan, its parts no longer guessed where a wrong guess would go unnoticed and the copy differ for ever.

        That is under KMS, where ETags tell nothing, if the source has a checksum of its parts: it depends on where they begin.
        """
        item, count = self.item, part_count(self.item.etag)
        is_composite = item.checksum and item.checksum[1] == "COMPOSITE"
        if count is None or not plan.are_guessed or upload.is_provable or not is_composite:
            return plan
        return replace(plan, parts=exact_parts(self.clients, self.run, item, count), are_guessed=False)

    def copy_part(self, upload: Upload, part: Part) -> CopiedPart:
        """Copy one part of the source as it was listed.

        Some programs end an upload with an empty part. No range says no bytes, so such a part is uploaded.
        """
        parameters = {**self._destination(), "UploadId": upload.id, "PartNumber": part.number}
        if part.size == 0:
            checksum = checksum_of_nothing(self._checksum().get("ChecksumAlgorithm", ""))
            nothing = {**checksum, "ContentMD5": MD5_OF_NOTHING, "Body": b""}
            answer = self.clients.destination.upload_part(**parameters, **nothing)
        else:
            source = {**copy_source(self.run, self.item), "CopySourceRange": part.byte_range}
            answer = self.clients.destination.upload_part_copy(**parameters, **source)["CopyPartResult"]
        name = f"Checksum{self._checksum().get('ChecksumAlgorithm')}"
        return CopiedPart(part.number, etag_of(answer), {name: answer[name]} if answer.get(name) else {})

    def etag_matches(self, upload: Upload, copied: Sequence[CopiedPart]) -> bool:
        """Whether these parts give the source's ETag; also true where ETags cannot tell."""
        if not upload.is_provable or part_count(self.item.etag) is None:
            return True
        return multipart_etag([part.etag for part in copied]) in (None, self.item.etag)

    def complete_upload(self, upload: Upload, copied: Sequence[CopiedPart]) -> None:
        """Complete the upload, if the destination still has what it was listed with."""
        parts = {"Parts": [part.for_completion() for part in copied]}
        with extra_headers("CompleteMultipartUpload", destination_condition(self.item)):
            self.clients.destination.complete_multipart_upload(
                **self._destination(), UploadId=upload.id, MultipartUpload=parts
            )

    def finish(self, tagging: str) -> None:
        """Give a completed copy what no upload carries: long tags, and annotations where they are to be copied."""
        self._put_long_tags(tagging)
        put_annotations(self.clients, self.run, self.item)

    def _put_long_tags(self, tagging: str) -> None:
        """Put the tags that were too long for the header of `create_upload`; does nothing if they were not."""
        if len(tagging) <= MAX_TAGGING_BYTES:
            return
        pairs = urllib.parse.parse_qsl(tagging, keep_blank_values=True)
        tags = {"TagSet": [{"Key": name, "Value": value} for name, value in pairs]}
        try:
            self.clients.destination.put_object_tagging(**self._destination(), Tagging=tags)
        except (ClientError, BotoCoreError) as error:
            raise SyncError(
                f"copied, but its tags were not: {describe(error)}. The next run will not notice; tag the copy, or delete it"
            ) from error

    def finish_again(self) -> None:
        """Do so after an earlier try has copied the object: it may have ended before its last request."""
        self.finish(self.tagging())

    def tagging(self) -> str:
        """Return the source's tags as a query string; none, and nobody is asked, where tags are not to be copied."""
        if not self.run.options.copyTags:
            return ""
        return urllib.parse.urlencode(get_tags(self.clients.source, self.run.source, self.item.key))

    def _checksum(self) -> dict[str, str]:
        """Return the source's algorithm and type as parameters, if it has any and our client can carry them."""
        algorithm, kind = self.item.checksum or ("", "")
        return carried_checksum(self.clients.destination, algorithm, kind)

    def _destination(self) -> dict[str, Any]:
        return self.run.destination.object_parameters(self.item.key)
