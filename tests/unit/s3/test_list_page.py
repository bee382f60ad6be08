"""Reading pages of a listing from their bytes: as botocore reads them, or not at all. Nothing leaves the process."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import boto3
import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_functions.shared.s3.clients import RequestCounter, client, connect, list_page
from lambda_functions.shared.s3.list_page import Entry, Page, page_from_botocore, parse

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
ROOT = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
MOMENT = "2026-01-02T03:04:05.000Z"
ETAG = "&quot;0cc175b9c0f1b6a831c399e269772661&quot;"
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


# --- Botocore's own word --------------------------------------------------------------------------------------


class Raw(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@functools.cache
def once() -> tuple[Any, list[bytes]]:
    """Return a client that tries once and is answered by what the list holds."""
    bodies: list[bytes] = []
    made = boto3.client("s3", region_name="eu-west-1", config=Config(retries={"total_max_attempts": 1}))
    made.meta.events.register(
        "before-send.s3", lambda request, **_: AWSResponse(request.url, 200, {}, Raw(bodies[-1]))
    )
    return made, bodies


def told(page: Page | None) -> Any:
    """Return all that a page says."""
    return page and (page.entries(""), page.is_truncated, page.token)


def by_botocore(body: bytes) -> Any:
    """Return what botocore reads, None where it finds no page."""
    made, bodies = once()
    bodies[:] = [body]
    try:
        return told(page_from_botocore(made.list_objects_v2(Bucket="bucket")))
    except Exception:  # whatever it raises, it has not read a page
        return None


# --- Pages in the form of AWS ---------------------------------------------------------------------------------

KEYS = st.text(min_size=1, max_size=6) | st.text(
    alphabet="aé%+ &;<>\"'\n\r\x00\x7f/~\uffff\U0010ffff", max_size=6
)
IN_XML = st.text(alphabet=st.characters(min_codepoint=32, exclude_characters="\ufffe\uffff"), max_size=6)
DATES = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1)).map(
    lambda one: f"{one:%Y-%m-%dT%H:%M:%S}.{one.microsecond // 1000:03d}Z"
)
WORDS = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=9)
QUOTES = st.sampled_from(["&quot;", '"', "&#34;"])


def element(name: str, text: str) -> str:
    return f"<{name}>{text}</{name}>"


def perhaps(name: str, texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | texts.map(lambda text: element(name, text))


def in_quotes(etag: str, quoted: str) -> str:
    return f"{quoted}{etag}{quoted}"


RESTORES = st.builds(
    str.__add__,
    perhaps("IsRestoreInProgress", st.sampled_from(["true", "false"])),
    perhaps("RestoreExpiryDate", DATES),
)
OWNERS = st.builds(
    str.__add__, perhaps("DisplayName", IN_XML.map(escape)), perhaps("ID", st.just("75aa57f0"))
)
ETAGS = st.builds(in_quotes, st.from_regex(r"[0-9a-f]{32}(-[0-9]{1,5})?", fullmatch=True), QUOTES)
PROPERTIES = st.tuples(
    DATES.map(functools.partial(element, "LastModified")),
    ETAGS.map(functools.partial(element, "ETag")),
    st.lists(WORDS, max_size=3).map(lambda all_: "".join(element("ChecksumAlgorithm", one) for one in all_)),
    perhaps("ChecksumType", st.sampled_from(["FULL_OBJECT", "COMPOSITE"])),
    st.integers(0, 50 * 10**12).map(lambda size: element("Size", str(size))),
    perhaps("Owner", OWNERS),
    perhaps("StorageClass", st.sampled_from(["STANDARD", "GLACIER", "DEEP_ARCHIVE", "FSX_OPENZFS"])),
    perhaps("RestoreStatus", RESTORES),
)


def in_url_encoding(key: str) -> str:
    """As S3 writes it: a blank is a plus, a slash stays."""
    return quote_plus(key, safe="/*")


@st.composite
def pages(draw: Callable[..., Any], most: int = 4) -> str:
    """Draw a page as AWS documents it, with or without its keys in URL encoding."""
    is_url = draw(st.booleans())
    write = draw(st.sampled_from([in_url_encoding, quote])) if is_url else functools.partial(escape)
    keys = draw(st.lists((KEYS if is_url else IN_XML).map(write), max_size=most))
    contents = []
    for key in keys:
        properties = draw(PROPERTIES)
        if draw(st.booleans()):
            properties = draw(st.permutations(properties))
        contents.append(element("Contents", element("Key", key) + "".join(properties)))
    about = [
        element("Name", "bucket"),
        draw(st.sampled_from(["<Prefix/>", "<Prefix></Prefix>", "<Prefix>a%2Fb</Prefix>"])),
        draw(perhaps("NextContinuationToken", st.sampled_from(["1abc/+==", "a&amp;b", ""]))),
        element("KeyCount", str(len(keys))),
        element("MaxKeys", "1000"),
        element("EncodingType", "url") if is_url else "",
        draw(perhaps("IsTruncated", st.sampled_from(["true", "false"]))),
    ]
    before = draw(st.integers(0, len(about)))
    parts = [*about[:before], *contents, *about[before:]]
    start = draw(st.sampled_from([DECLARATION, "", DECLARATION.replace('"', "'").replace("UTF", "utf")]))
    return start + ROOT + "".join(parts) + "</ListBucketResult>"


@given(pages())
def test_a_page_in_the_form_of_aws_is_read_as_botocore_reads_it(page: str) -> None:
    body = page.encode()

    assert told(parse(body)) == by_botocore(body) is not None


# --- Pages in any other form ----------------------------------------------------------------------------------

ODDITIES = [
    *("<!-- a -->", "<![CDATA[a]]>", "<?a?>", "<!DOCTYPE a>", "]]>", ' a="b"', ' xmlns:a="b"', "\ufeff"),
    *("&#0;", "&#13;", "&#10;", "&#x26;", "&#xD800;", "&#1114112;", "&a;", "&", "<", ">", "&lt;", "&quot;"),
    *(
        "\n",
        "\r\n",
        " ",
        "\t",
        "\x00",
        "\x0b",
        "\ufffe",
        "\uffff",
        "é",
        "%0A",
        "%0a",
        "%",
        "%C3",
        "%zz",
        "+",
        "-",
        "0",
    ),
    *(
        "<Contents>",
        "</Contents>",
        "<Contents/>",
        "<Contents></Contents>",
        "<Key/>",
        "<Key></Key>",
        "<Key>a</Key>",
    ),
    *(
        "<Size>1</Size>",
        "<Size>1e3</Size>",
        "<ETag>a</ETag>",
        "<ETag/>",
        f"<LastModified>{MOMENT}</LastModified>",
    ),
    *(
        "<StorageClass/>",
        "<StorageClass>GLACIER</StorageClass>",
        "<ChecksumAlgorithm>SHA1</ChecksumAlgorithm>",
    ),
    *(
        "<ChecksumType>COMPOSITE</ChecksumType>",
        "<RestoreStatus/>",
        "<Owner/>",
        "<Unknown>1</Unknown>",
        "<Unknown/>",
    ),
    *("<RestoreStatus><RestoreExpiryDate>2026-02-30T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>",),
    *("<Prefix/>", "<Delimiter>/</Delimiter>", "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"),
    *(
        "<EncodingType>url</EncodingType>",
        "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>True</IsTruncated>",
    ),
    *("<NextContinuationToken>a</NextContinuationToken>", "<KeyCount>1</KeyCount>", "<MaxKeys>a</MaxKeys>"),
    *("<Error><Code>SlowDown</Code></Error>", ROOT, "</ListBucketResult>"),
]
PIECES = re.compile("<[^>]*>|[^<>]+")
ELEMENTS = re.compile(r"<(\w+)>[^<]*</\1>|<[^>]*>|[^<>]+")


@st.composite
def changed(draw: Callable[..., Any], page: str) -> str:
    """Draw a page with something left out, put in, repeated or exchanged: characters, tags or elements."""
    pieces = draw(
        st.sampled_from([list(page), PIECES.findall(page), [one[0] for one in ELEMENTS.finditer(page)]])
    )
    first, second = sorted(draw(st.tuples(*[st.integers(0, len(pieces))] * 2)))
    short = min(second, first + draw(st.integers(1, 3)))
    return "".join(
        draw(
            st.sampled_from(
                [
                    [*pieces[:first], *pieces[short:]],
                    [*pieces[:first], *pieces[second:]],
                    [*pieces[:second], *pieces[first:short], *pieces[second:]],
                    [*pieces[:first], draw(st.sampled_from(ODDITIES)), *pieces[first:]],
                    [*pieces[:first], draw(st.sampled_from(ODDITIES)), *pieces[short:]],
                    [*pieces[:first], *pieces[short:second], *pieces[first:short], *pieces[second:]],
                ]
            )
        )
    )


@given(st.data(), pages(2), st.integers(1, 2))
@settings(max_examples=400)
def test_a_page_in_any_other_form_is_left_to_botocore_or_read_as_botocore_reads_it(
    data: st.DataObject, page: str, changes: int
) -> None:
    for _ in range(changes):
        page = data.draw(changed(page))
    body = page.encode()
    ours = parse(body)

    assert ours is None or told(ours) == by_botocore(body)


@given(st.data(), pages(2))
def test_a_page_with_other_bytes_is_left_to_botocore_or_read_as_botocore_reads_it(
    data: st.DataObject, page: str
) -> None:
    body = bytearray(page.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    ours = parse(bytes(body))

    assert ours is None or told(ours) == by_botocore(bytes(body))


@given(pages(2), st.data())
def test_a_page_cut_off_is_never_a_page(page: str, data: st.DataObject) -> None:
    body = page.encode()

    assert parse(body[: data.draw(st.integers(0, len(body) - 1))]) is None


def contents(key: str = "a", *more: str) -> str:
    parts = (
        element("Key", key),
        element("LastModified", MOMENT),
        element("ETag", ETAG),
        element("Size", "3"),
    )
    return element("Contents", "".join([*parts, *more]))


OF_EVERY_OBJECT = (
    element("Key", "a"),
    element("LastModified", MOMENT),
    element("ETag", ETAG),
    element("Size", "3"),
)


def page_of(*parts: str) -> bytes:
    return f"{DECLARATION}{ROOT}<IsTruncated>false</IsTruncated>{''.join(parts)}</ListBucketResult>".encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Error><Code>SlowDown</Code></Error>",
        page_of(contents("a", "<Key>b</Key>")),
        page_of(contents("a", "<Size>3</Size>")),
        page_of(contents("a", element("ETag", ETAG))),
        page_of(contents("a", element("LastModified", MOMENT))),
        page_of(contents("a", *["<StorageClass>GLACIER</StorageClass>"] * 2)),
        page_of(contents("a", *["<ChecksumType>COMPOSITE</ChecksumType>"] * 2)),
        page_of(contents("a", *["<RestoreStatus></RestoreStatus>"] * 2)),
        page_of(contents("a", "<Owner></Owner>".join(["<ChecksumAlgorithm>SHA1</ChecksumAlgorithm>"] * 2))),
        *(page_of(contents().replace(part, "")) for part in OF_EVERY_OBJECT),
        *(page_of(contents("b"), contents().replace(part, "")) for part in OF_EVERY_OBJECT),
        page_of(contents("a\tb")),
        page_of(contents("a", "<New>1</New>")),
        page_of(contents("<!-- -->a")),
        page_of(contents("<![CDATA[a]]>")),
        page_of(contents("a\nb")),
        page_of(contents("&#0;")),
        page_of(contents("a", "<Owner><DisplayName>&#0;</DisplayName></Owner>")),
        page_of("<Prefix>&#0;</Prefix>", contents()),
        page_of(contents("&#xd800;")),
        page_of(contents(), " ", contents("b")),
        page_of(contents(), "<KeyCount>2</KeyCount>"),
        page_of("<Contents/>"),
        page_of("<Contents/>", contents()),
        page_of("<Cont", "<Name>a</Name>", "ents/>"),
        page_of("<Name>a", contents(), "b</Name>"),
        page_of("<IsTruncated>true</IsTruncated>"),
        page_of("<IsTruncated>false</IsTruncated>"),
        page_of("<EncodingType>utf</EncodingType>", contents()),
        page_of("<KeyCount>1</KeyCount>"),
        page_of("<KeyCount>01</KeyCount>", contents()),
        page_of("<MaxKeys>a</MaxKeys>", contents()),
        page_of("<MaxKeys>-1</MaxKeys>", contents()),
        page_of("<MaxKeys/>", contents()),
        page_of(contents(), "<!-- -->", contents("b"), contents("c"), contents("d")),
        page_of(contents(), contents("b"), contents("c"), "<!-- -->", contents("d")),
        page_of("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"),
        page_of(contents("é")).decode().encode("latin-1"),
        b"\xef\xbb\xbf" + page_of(contents()),
        page_of(contents()).replace(b"UTF-8", b"UTF-16"),
        page_of(contents()).replace(b'"1.0"', b"\"1.0'"),
        page_of(contents()).replace(b'"1.0"', b"'1.0\""),
        page_of(contents()).replace(b'"UTF-8"', b"\"UTF-8'"),
        page_of(contents()).replace(b"2006", b"2007"),
        page_of(contents()).replace(b"01-02T", b"02-30T"),
        page_of(contents()).replace(b"T03", b"T24"),
        page_of(contents()).replace(b">false<", b">False<"),
        page_of(contents()) + b"<!-- -->",
    ],
)
def test_what_is_unusual_is_left_to_botocore(body: bytes) -> None:
    assert parse(body) is None


def url_page(*keys: str) -> bytes:
    return page_of("<EncodingType>url</EncodingType>", *map(contents, keys))


def keys_of(body: bytes) -> list[str]:
    """Return the keys of a page, which botocore reads as well."""
    page = parse(body)
    assert told(page) == by_botocore(body) is not None
    assert page is not None
    return list(page.keys)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&apos;", "'"),
        ("&#65;", "A"),
        ("&#010;", "\n"),
        ("&#x41;", "A"),
        ("&#xe9;", "é"),
        ("&#x1F600;", "\U0001f600"),
        ("&amp;amp;", "&amp;"),
        ("&amp;#65;", "&#65;"),
    ],
)
def test_a_reference_in_a_key_is_the_character_that_it_names(written: str, key: str) -> None:
    for make in (url_page, lambda *keys: page_of(*map(contents, keys))):
        assert keys_of(make(f"a{written}b", "c")) == [f"a{key}b", "c"]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("a%20b", "a b"),
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("a%26amp;b", "a&amp;b"),
        ("a%0Ab", "a\nb"),
        ("a%0ab", "a\nb"),
        ("a&#10;b", "a\nb"),
        ("a&#10;b+%0Ac%0ad", "a\nb \nc\nd"),
        ("%C3%A9", "é"),
        ("a", "a"),
    ],
)
def test_a_key_in_url_encoding_is_decoded_whatever_is_beside_it(written: str, key: str) -> None:
    """All keys of a page are decoded at once: one with a line feed must not become two, and move all that follow."""
    assert keys_of(url_page(written)) == [key]
    assert keys_of(url_page("x%20y", written, "z+z")) == ["x y", key, "z z"]
    assert keys_of(url_page("x", written, written)) == ["x", key, key]


@pytest.mark.parametrize("key", ["a%20b", "a+b", "a%0Ab", "%"])
def test_a_key_of_a_page_without_url_encoding_is_as_it_stands(key: str) -> None:
    assert keys_of(page_of(contents(key), contents("z"))) == [key, "z"]


@pytest.mark.parametrize(
    ("said", "is_truncated"),
    [("", None), ("<IsTruncated>true</IsTruncated>", True), ("<IsTruncated>false</IsTruncated>", False)],
)
def test_whether_there_is_more_is_what_a_page_says_or_unknown(said: str, is_truncated: bool | None) -> None:
    page = parse(f"{ROOT}{said}{contents()}</ListBucketResult>".encode())

    assert page is not None
    assert (page.is_truncated, page.token) == (is_truncated, None)


RESTORED = "<RestoreExpiryDate>2026-02-03T00:00:00.000Z</RestoreExpiryDate>"
DONE, GOING_ON = (f"<IsRestoreInProgress>{word}</IsRestoreInProgress>" for word in ("false", "true"))


@pytest.mark.parametrize(
    ("status", "is_restored", "is_being_restored"),
    [
        ("", False, False),
        (DONE, False, False),
        (GOING_ON, False, True),
        (RESTORED, True, False),
        (DONE + RESTORED, True, False),
        (GOING_ON + RESTORED, False, True),
    ],
)
def test_a_restore_is_read_without_botocore_as_botocore_reads_it(
    status: str, is_restored: bool, is_being_restored: bool
) -> None:
    body = page_of(contents("a", element("RestoreStatus", status)), contents("b"))
    page = parse(body)

    assert page is not None
    first, second = page.entries("")
    assert (first.is_restored, first.is_being_restored) == (is_restored, is_being_restored)
    assert (second.is_restored, second.is_being_restored) == (False, False)
    assert told(page) == by_botocore(body)


def test_a_checksum_is_the_first_algorithm_and_its_type_if_that_is_told() -> None:
    crc, sha = (element("ChecksumAlgorithm", name) for name in ("CRC32C", "SHA1"))
    kind = element("ChecksumType", "COMPOSITE")
    body = page_of(contents("a", crc), contents("b", sha, kind), contents("c", sha, crc, kind), contents("d"))
    page = parse(body)

    assert page is not None
    checksums = [one.checksum for one in page.entries("")]
    assert checksums == [("CRC32C", ""), ("SHA1", "COMPOSITE"), ("SHA1", "COMPOSITE"), None]
    assert told(page) == by_botocore(body)


def test_an_object_of_which_nothing_else_is_said_is_one_that_can_be_read() -> None:
    assert Entry("a", "b", 1, MIDNIGHT) == ("a", "b", 1, MIDNIGHT, "STANDARD", False, None, False)


@pytest.mark.parametrize(("prefix", "keys"), [("", ["p/a", "p/"]), ("p/", ["a", ""]), ("p", ["/a", "/"])])
def test_keys_are_relative_to_a_prefix(prefix: str, keys: list[str]) -> None:
    page = parse(page_of(contents("p/a"), contents("p/")))

    assert page is not None
    assert [one.key for one in page.entries(prefix)] == keys


# --- Through a client -----------------------------------------------------------------------------------------


def answering(counter: RequestCounter, *answers: tuple[int, bytes]) -> Any:
    """Return a client of ours that gets these answers, one after the other, the last one for ever."""
    left = list(answers)

    def answer(request: Any, **_: Any) -> AWSResponse:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return AWSResponse(request.url, status, {}, Raw(body))

    made = counter.watch(client("s3", "eu-west-1"))
    made.meta.events.register("before-send.s3", answer)
    return made


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))


GOOD = page_of(contents("a%2Bb+c"))
ENTRY = Entry("a+b c", "0cc175b9c0f1b6a831c399e269772661", 3, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
URL = b"<EncodingType>url</EncodingType></ListBucketResult>"
GOOD = GOOD.replace(b"</ListBucketResult>", URL)


def test_a_usual_page_is_not_counted() -> None:
    counter = RequestCounter()

    page = list_page(answering(counter, (200, GOOD)), Bucket="bucket")

    assert told(page) == ([ENTRY], False, None)
    assert (counter.counts(), counter.unusual_pages) == ({"LIST": 1}, 0)


def test_an_unusual_page_is_read_by_botocore_and_counted() -> None:
    counter = RequestCounter()
    unusual = GOOD.replace(b"<Key>", b"<!-- the key --><Key>")

    page = list_page(answering(counter, (200, unusual)), Bucket="bucket")

    assert told(page) == ([ENTRY], False, None)
    assert (counter.counts(), counter.unusual_pages) == ({"LIST": 1}, 1)


@pytest.mark.parametrize(
    "bad",
    [
        (200, GOOD[:-30]),
        (200, b"<Error><Code>InternalError</Code></Error>"),
        (200, b""),
        (200, GOOD.replace(b"a%2Bb", b"\x01")),
        (503, b"<Error><Code>SlowDown</Code></Error>"),
        (500, GOOD),
    ],
)
def test_what_botocore_tries_again_it_still_tries_again(bad: tuple[int, bytes]) -> None:
    counter = RequestCounter()

    page = list_page(answering(counter, bad, bad, (200, GOOD)), Bucket="bucket")

    if bad != (200, b""):  # which botocore takes for a page that says nothing, and `listing` for a broken one
        assert told(page) == ([ENTRY], False, None)
        assert (counter.counts(), counter.unusual_pages) == ({"LIST": 3}, 0)
    else:
        assert told(page) == ([], None, None)


def test_an_error_that_stays_is_raised_and_is_no_page() -> None:
    counter = RequestCounter()
    made = answering(counter, (200, b"<Error><Code>InternalError</Code></Error>"))

    with pytest.raises(ClientError, match="InternalError"):
        list_page(made, Bucket="bucket")
    assert counter.unusual_pages == 0


def test_whoever_does_not_ask_for_pages_gets_botocores_answer() -> None:
    made = answering(RequestCounter(), (200, GOOD))
    list_page(made, Bucket="bucket")

    found = [
        one["Key"]
        for page in made.get_paginator("list_objects_v2").paginate(Bucket="bucket")
        for one in page["Contents"]
    ]

    assert found == ["a+b c"]


def test_threads_that_share_a_client_do_not_share_pages() -> None:
    connected = connect("eu-west-1", "eu-west-1")
    together = Barrier(8)

    def answer(request: Any, **_: Any) -> AWSResponse:
        together.wait(20)
        bucket = request.url.split("//")[1].split(".")[0]
        return AWSResponse(request.url, 200, {}, Raw(page_of(contents(bucket))))

    connected.source.meta.events.register("before-send.s3", answer)

    def read(number: int) -> str:
        if number % 2:
            return str(connected.source.list_objects_v2(Bucket=f"bucket-{number}")["Contents"][0]["Key"])
        return list_page(connected.source, Bucket=f"bucket-{number}").keys[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(8))) == [f"bucket-{number}" for number in range(8)]
    assert connected.requests.unusual_pages == 0


# --- What S3 and its stand-ins write --------------------------------------------------------------------------

AWS = f"""{DECLARATION}{ROOT}<Name>bucket</Name><Prefix>photos/</Prefix><StartAfter>photos/2+1</StartAfter>\
<NextContinuationToken>1w41l63U0xa8q7smH50vCxyTQqdxo69O3EmK28Bi5PcROI4wI/EyIJg==</NextContinuationToken>\
<KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
<Contents><Key>photos/a+b.jpg</Key><LastModified>{MOMENT}</LastModified><ETag>{ETAG}</ETag>\
<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>142863</Size>\
<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>\
<StorageClass>STANDARD</StorageClass></Contents>\
<Contents><Key>photos/%C3%BC</Key><LastModified>{MOMENT}</LastModified><ETag>&quot;00-3&quot;</ETag><Size>5</Size>\
<StorageClass>GLACIER</StorageClass><RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>\
<RestoreExpiryDate>2012-12-21T00:00:00.000Z</RestoreExpiryDate></RestoreStatus></Contents></ListBucketResult>"""
MINISTACK = f"""{DECLARATION}{ROOT}<Name>bucket</Name><Prefix /><EncodingType>url</EncodingType><MaxKeys>1000</MaxKeys>\
<KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><Contents><Key>%C3%BC%20</Key><LastModified>{MOMENT}</LastModified>\
<ETag>"0cc175b9c0f1b6a831c399e269772661"</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"""


def test_a_page_of_aws_is_usual() -> None:
    page = parse(AWS.encode())

    assert page is not None
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    checksum = ("CRC64NVME", "FULL_OBJECT")
    assert page.entries("photos/") == [
        Entry("a b.jpg", "0cc175b9c0f1b6a831c399e269772661", 142863, moment, checksum=checksum),
        Entry("ü", "00-3", 5, moment, "GLACIER", True),
    ]
    token = "1w41l63U0xa8q7smH50vCxyTQqdxo69O3EmK28Bi5PcROI4wI/EyIJg=="
    assert (page.is_truncated, page.token) == (True, token)
    assert told(page) == by_botocore(AWS.encode())


def test_a_page_of_ministack_is_usual() -> None:
    assert told(parse(MINISTACK.encode())) == by_botocore(MINISTACK.encode()) is not None


def test_an_empty_bucket_is_usual() -> None:
    assert told(parse(page_of("<KeyCount>0</KeyCount>"))) == ([], False, None)


def test_a_page_of_1000_keys_is_usual() -> None:
    found = parse(page_of(*(contents(f"{number:04d}") for number in range(1000))))

    assert found is not None
    assert list(found.keys) == [f"{number:04d}" for number in range(1000)]


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        ENTRY.key = "b"  # type: ignore[misc]
