"""An S3 endpoint of two buckets, for clients that only plan: `python -m benchmarks.endpoint KEYS [DELAY_MS [SHAPE]]`.

Each answer is held back for the delay. Without a shape (`shapes.SHAPES`) the buckets are invented ones. It prints its port,
answers until its standard input ends, and counts what it is asked. A third bucket, `work`, keeps what is put into it, in memory.
`GET /-/counts` tells the requests since it was last asked, and empties `work`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.http_server import Answer, serve_until_input_ends
from benchmarks.invented import Bucket, InventedObject, invented_pair
from benchmarks.kinds import Request
from benchmarks.shaped import shaped_pair

WORK = "work"
REGION = "us-east-1"
_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = b'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@dataclass
class Endpoint:
    """The buckets, what was put into `work`, and the counts."""

    buckets: Mapping[str, Bucket]
    delay_seconds: float = 0.0
    stored: dict[str, bytes] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def answer(self, request: Request, body: bytes) -> Answer:
        """Answer one request."""
        if request.bucket == "-":
            return self._tell()
        return replace(self._answer(request, body), delay_seconds=self.delay_seconds)

    def _answer(self, request: Request, body: bytes) -> Answer:
        self.counts[request.kind() if request.bucket != WORK else f"WORK_{request.kind()}"] += 1
        if request.bucket == WORK:
            return self._work(request, body)
        bucket = self.buckets.get(request.bucket)
        if bucket is None:
            return _error(404, "NoSuchBucket")
        if request.key:
            return (
                _head(bucket.find(request.key)) if request.method == "HEAD" else _error(501, "NotImplemented")
            )
        return self._about_bucket(request, bucket)

    def _tell(self) -> Answer:
        told = json.dumps(self.counts).encode()
        self.counts.clear()
        self.stored.clear()
        return Answer(200, told)

    def _work(self, request: Request, body: bytes) -> Answer:
        if request.method == "PUT":
            self.stored[request.key] = body
            return Answer(200, b"", {"ETag": '"0123456789abcdef0123456789abcdef"'})
        found = self.stored.get(request.key)
        return _error(404, "NoSuchKey") if found is None else Answer(200, found)

    def _about_bucket(self, request: Request, bucket: Bucket) -> Answer:
        if request.kind() == "HEAD_BUCKET":
            return Answer(200, b"", {"x-amz-bucket-region": REGION})
        if request.kind() == "GET_LOCATION":
            return Answer(200, _XML + b"<LocationConstraint %s/>" % _NAMESPACE)
        if request.query.get("list-type") != "2" or request.query.get("delimiter"):
            return _error(501, "NotImplemented")
        return Answer(200, page(request.bucket, bucket, request.query))


def page(name: str, bucket: Bucket, query: dict[str, str]) -> bytes:
    """Return ListObjectsV2's answer, https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""
    prefix, token = query.get("prefix", ""), query.get("continuation-token")
    first, end = bucket.span(prefix) if prefix else (0, len(bucket))
    if token:
        first = int(token, 16)
    elif query.get("start-after"):
        first = max(first, bucket.after(query["start-after"]))
    most = int(query.get("max-keys", 1000))
    stop = min(end, first + most)
    is_url = query.get("encoding-type") == "url"
    following = f"<NextContinuationToken>{stop:032x}</NextContinuationToken>" if stop < end else ""
    head = (
        f"<Name>{name}</Name><Prefix>{prefix}</Prefix>"
        + (f"<ContinuationToken>{token}</ContinuationToken>" if token else "")
        + (f"<StartAfter>{query['start-after']}</StartAfter>" if query.get("start-after") else "")
        + f"{following}<KeyCount>{max(stop - first, 0)}</KeyCount><MaxKeys>{most}</MaxKeys>"
        + ("<EncodingType>url</EncodingType>" if is_url else "")
        + f"<IsTruncated>{str(stop < end).lower()}</IsTruncated>"
    )
    contents = bucket.contents(first, stop, is_url)
    return b"%s<ListBucketResult %s>%s%s</ListBucketResult>" % (_XML, _NAMESPACE, head.encode(), contents)


def _head(found: InventedObject | None) -> Answer:
    if found is None:
        return _error(404, "NoSuchKey")
    headers = {"ETag": f'"{found.etag}"', "Last-Modified": "Sat, 10 Jan 2026 08:30:00 GMT"}
    return Answer(200, b"", headers, length=found.size)


def _error(status: int, code: str) -> Answer:
    return Answer(status, _XML + f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())


def _endpoint(arguments: Sequence[str]) -> Endpoint:
    keys, delay_ms, shape = [*arguments, *("", "0", "")[len(arguments) :]]
    buckets = shaped_pair(shape, int(keys)) if shape else invented_pair(int(keys))
    return Endpoint(buckets, delay_seconds=float(delay_ms) / 1000)


if __name__ == "__main__":
    asyncio.run(serve_until_input_ends(_endpoint(sys.argv[1:]).answer))
