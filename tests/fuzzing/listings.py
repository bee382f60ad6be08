"""What S3 lists: the bytes of a page, against botocore."""

from __future__ import annotations

import functools
import io
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from lambda_functions.shared.s3.list_page import Page, page_from_botocore, parse

from .mutating import NASTY, changed_bytes, changed_text, text_of
from .running import Target

ROOT = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
MOMENT = "2026-01-02T03:04:05.000Z"
OF_XML = [
    *NASTY,
    *(
        "<Key/>",
        "<Key>a</Key>",
        "<Size>1</Size>",
        "<Size>1e3</Size>",
        "<ETag>a</ETag>",
        "<ETag/>",
        "<Contents>",
    ),
    *(
        "</Contents>",
        "<Contents/>",
        "<Contents></Contents>",
        f"<LastModified>{MOMENT}</LastModified>",
        "<Owner/>",
    ),
    *(
        "<StorageClass/>",
        "<StorageClass>GLACIER</StorageClass>",
        "<ChecksumAlgorithm>SHA1</ChecksumAlgorithm>",
    ),
    *(
        "<RestoreStatus/>",
        "<Unknown>1</Unknown>",
        "<Unknown/>",
        "<Prefix/>",
        "<Delimiter>/</Delimiter>",
        "<KeyCount>1</KeyCount>",
    ),
    *(
        "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>",
        "<EncodingType>url</EncodingType>",
        "<EncodingType/>",
    ),
    *(
        "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>True</IsTruncated>",
        "<IsTruncated> true</IsTruncated>",
    ),
    *("<NextContinuationToken>a</NextContinuationToken>", "<NextContinuationToken/>", "<MaxKeys>a</MaxKeys>"),
    *(
        "<Error><Code>SlowDown</Code></Error>",
        ROOT,
        "</ListBucketResult>",
        "<!DOCTYPE a>",
        "<![CDATA[a]]>",
        "<?a?>",
    ),
    *(
        '<!DOCTYPE a [<!ENTITY b "c">]>',
        "&b;",
        "&#0;",
        "&#13;",
        "&#10;",
        "&#x26;",
        "&#xD800;",
        "&#1114112;",
        "&#0000038;",
        "&amp;",
    ),
    *(
        ' a="b"',
        ' xmlns:a="b"',
        ' xmlns=""',
        "a:",
        "%C3",
        "%zz",
        "%2500",
        "+",
        "1970-01-01T00:00:00Z",
        "2026-02-30T00:00:00.000Z",
    ),
    *(
        "0" * 30,
        "18446744073709551616",
        "-1",
        "１",
        "1.0",
        "2026-01-02T23:59:60Z",
        "2026-01-02T03:04:05+01:00",
        "\xa0",
    ),
]
KEY_PIECES = [
    "a",
    "b",
    "/",
    "é",
    "%",
    "+",
    "&",
    " ",
    "<",
    "\n",
    "\x01",
    "\x7f",
    "\uffff",
    "\U0010ffff",
    "'",
    '"',
    "~",
    "%0A",
    "😀",
]


class _Raw(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@functools.cache
def _botocore() -> tuple[Any, list[bytes]]:
    """Return a client that tries once and is answered by what the list holds."""
    bodies: list[bytes] = []
    made = boto3.client("s3", region_name="eu-west-1", config=Config(retries={"total_max_attempts": 1}))
    made.meta.events.register(
        "before-send.s3", lambda request, **_: AWSResponse(request.url, 200, {}, _Raw(bodies[-1]))
    )
    return made, bodies


def _by_botocore(body: bytes) -> Any:
    """Return what botocore reads, None where it finds no page."""
    made, bodies = _botocore()
    bodies[:] = [body]
    try:
        return _told(page_from_botocore(made.list_objects_v2(Bucket="bucket")))
    except Exception:  # whatever it raises, it has not read a page
        return None


def _told(page: Page) -> Any:
    return page.entries(""), page.is_truncated, page.token


def draw_page(chance: random.Random) -> bytes:
    is_url = chance.random() < 0.7
    write = chance.choice([lambda key: quote_plus(key, safe="/*"), quote]) if is_url else escape
    keys = [text_of(chance, 4, KEY_PIECES) or "a" for _ in range(chance.randint(0, 4))]
    around = [
        "<Name>bucket</Name>",
        chance.choice(["<Prefix/>", "<Prefix>a%2Fb</Prefix>", ""]),
        *chance.choice(
            [
                ["<IsTruncated>false</IsTruncated>"],
                ["<IsTruncated>true</IsTruncated>", "<NextContinuationToken>1a+/==</NextContinuationToken>"],
            ]
        ),
        f"<KeyCount>{len(keys)}</KeyCount><MaxKeys>1000</MaxKeys>",
        "<EncodingType>url</EncodingType>" if is_url else "",
    ]
    cut = chance.randint(0, len(around))
    contents = "".join(_contents(chance, write(key)) for key in keys)
    inside = "".join([*around[:cut], contents, *around[cut:]])
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{ROOT}{inside}</ListBucketResult>'
    kind = chance.randrange(6)
    if kind == 0:
        return changed_bytes(chance, text.encode(), chance.randint(1, 3))
    return changed_text(chance, text, kind // 2, OF_XML).encode("utf-8", "surrogatepass")


def _contents(chance: random.Random, key: str) -> str:
    elements = [
        f"<Key>{key}</Key>",
        f"<LastModified>{MOMENT}</LastModified>",
        f"<ETag>&quot;{chance.getrandbits(128):032x}{chance.choice(['', '-7'])}&quot;</ETag>",
        f"<Size>{chance.choice([0, 5, 50 * 10**12])}</Size>",
        chance.choice(["", "<StorageClass>GLACIER</StorageClass>"]),
        chance.choice(["", "<Owner><ID>75aa</ID></Owner>"]),
        chance.choice(
            ["", "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"]
        ),
        chance.choice(
            [
                "",
                f"<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>{MOMENT}</RestoreExpiryDate></RestoreStatus>",
            ]
        ),
    ]
    if chance.random() < 0.3:
        chance.shuffle(elements)
    return f"<Contents>{''.join(elements)}</Contents>"


def accepts_page(body: bytes) -> bool:
    """Whether our reader reads a page: then as botocore does; else botocore is asked, whose word counts."""
    page = parse(body)
    if page is None:
        return False
    assert _told(page) == _by_botocore(body), "a page is read in another way than botocore reads it"
    return True


TARGETS = (Target("listing_page", draw_page, accepts_page),)
