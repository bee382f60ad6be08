"""A small S3 in memory, for what neither moto nor MiniStack can show.

It stands for S3 as AWS documents it where an emulator has something else or nothing at all: encryption with KMS (ETags that are
no MD5 and new with every write), objects of terabytes (content is a seed and a size, no bytes), conditions on copies and deletes,
errors in an answer with status 200, lost answers, throttling, listings that break, other writers at a chosen moment. Use it only
for those; what an emulator does right is tested on the emulator, because a fake knows only what its author has read.

It plugs into botocore where a request would leave for the network: serialising, signing, retrying and parsing are the real ones.

    with fake_s3() as s3:
        source = s3.bucket("source-bucket")
        source.put("key", 60 * GB)
        s3.before("CopyObject", lambda request: source.put("key", b"changed"), nth=1)
        ...                                           # clients that lambda_functions.shared.s3.clients makes now talk to `s3`
        assert s3.counts() == {"COPY": 1}

It is held to a model of S3 that is always the same (`model.json`), however old the botocore of the clients: a request that its
operation does not know, and an answer with a member that its shape does not have, are errors of the test. Whatever it does says
which page of AWS's documentation says so.

    contents    bytes that are only described: seeds and sizes, MD5s and checksums made of them
    stored      objects, uploads and buckets, and how tests put something into them
    protocol    between the bytes on the wire and parameters, in both directions, by S3's model
    model       S3's model, and how the file with it is made anew
    extras      storage classes, Object Lock, annotations, restores
    reading     the operations that read          writing    those that write          uploading    multipart uploads
    server      the requests, their order, and what a test wants to happen to them
"""

from __future__ import annotations

from fake_s3.contents import GB, MB, Content
from fake_s3.server import BUSY, CUT, EMPTY, LOST, Answer, FakeS3, Request, fake_s3
from fake_s3.stored import HOUR, Bucket, Stored

__all__ = [
    "BUSY",
    "CUT",
    "EMPTY",
    "GB",
    "HOUR",
    "LOST",
    "MB",
    "Answer",
    "Bucket",
    "Content",
    "FakeS3",
    "Request",
    "Stored",
    "fake_s3",
]
