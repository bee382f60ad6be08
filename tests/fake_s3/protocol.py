"""Between the wire and parameters, by S3's model (`model`): the part of a server that is not a matter of opinion.

A header or query that an operation does not know, or a member that an answer does not have, is an AssertionError.
"""

from __future__ import annotations

import functools
import io
import urllib.parse
from collections.abc import Iterator, Mapping
from email.utils import format_datetime
from typing import Any, NamedTuple
from xml.etree import ElementTree

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.model import OperationModel, Shape
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

from fake_s3.stored import Refusal

# Sent by the signer and by what computes checksums of bodies; no parameters.
NEUTRAL = (
    "x-amz-trailer",
    "x-amz-decoded-content-length",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-checksum-crc32",
    # HeadBucket has no parameter for it, but a bucket whose requesters pay wants it of every request
    # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html).
    "x-amz-request-payer",
)


# What S3 calls the root of an answer, where somebody cares.
ROOTS = {"ListObjectsV2Output": "ListBucketResult"}
_VALIDATOR = ParamValidator()


def read(model: OperationModel, request: Any) -> dict[str, Any]:
    """Return the parameters that a prepared request carries, validated against its operation's input shape."""
    address = urllib.parse.urlsplit(request.url)
    place = dict(zip(("Bucket", "Key"), _place(address), strict=True))
    static, wires = _wires(model.input_shape, model.http["requestUri"])
    query = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
    for name in static:
        query.pop(name, None)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    asked = {}
    for wire in wires:
        found = _found(wire, place, query, headers)
        if found is not None:
            asked[wire.member] = found
    unknown = [name for name in headers if name.startswith("x-amz-") and name not in NEUTRAL]
    assert not query and not unknown, f"{model.name} does not know {[*query, *unknown]}"
    if headers.get("content-encoding") == "aws-chunked":
        asked.pop("ContentEncoding", None)
    asked |= _payload(model, _bytes(request.body, "x-amz-decoded-content-length" in headers))
    report = _VALIDATOR.validate(asked, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    return asked


def _place(address: urllib.parse.SplitResult) -> tuple[str, str]:
    bucket, dot, _ = address.netloc.partition(".s3.")
    path = urllib.parse.unquote(address.path[1:])
    return (bucket, path) if dot else (path.partition("/")[0], path.partition("/")[2])


class _Wire(NamedTuple):
    """Where a member of a request stands, which is not in its body, and under which name."""

    member: str
    shape: Shape
    location: str
    name: str


@functools.cache
def _wires(shape: Shape, address: str) -> tuple[tuple[str, ...], tuple[_Wire, ...]]:
    """Return what every query of an operation has, and its members that are not in the body."""
    static = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query, keep_blank_values=True)
    every = [
        _Wire(name, one, one.serialization.get("location", ""), one.serialization.get("name", name))
        for name, one in shape.members.items()
    ]
    return (*static, "x-id"), tuple(one for one in every if one.location)


def _found(wire: _Wire, place: Mapping[str, str], query: dict[str, str], headers: dict[str, str]) -> Any:
    if wire.location == "uri":
        return place[wire.member]
    if wire.location == "headers":
        found = {
            key.removeprefix(wire.name): headers.pop(key)
            for key in list(headers)
            if key.startswith(wire.name)
        }
        return found or None
    if wire.location not in ("header", "querystring"):
        return None
    is_query = wire.location == "querystring"
    text = query.pop(wire.name, None) if is_query else headers.pop(wire.name.lower(), None)
    return None if text is None else _value(wire.shape, text)


def _value(shape: Shape, text: str) -> Any:
    if shape.type_name in ("integer", "long"):
        return int(text)
    if shape.type_name == "boolean":
        return text == "true"
    if shape.type_name == "list":
        return [one.strip() for one in text.split(",")]
    return text


def _bytes(body: Any, is_chunked: bool) -> bytes:
    """Return a body; one in chunks, with a trailer, is what botocore sends with a checksum that it computes on the way.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
    """
    data = (
        body.encode()
        if isinstance(body, str)
        else body.read()
        if hasattr(body, "read")
        else bytes(body or b"")
    )
    if not is_chunked:
        return bytes(data)
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            break
        whole, data = whole + data[: int(size, 16)], data[int(size, 16) + 2 :]
    return whole


def _payload(model: OperationModel, data: bytes) -> dict[str, Any]:
    name = model.input_shape.serialization.get("payload")
    if name is None:
        return {}
    shape = model.input_shape.members[name]
    if shape.type_name == "blob":
        return {name: data}
    try:
        return {name: _from_xml(shape, ElementTree.fromstring(data))}
    except ElementTree.ParseError as error:
        raise Refusal(400, "MalformedXML", "The XML you provided was not well-formed") from error


def _from_xml(shape: Shape, element: ElementTree.Element) -> Any:
    if shape.type_name == "list":
        return [_from_xml(shape.member, child) for child in element]
    if shape.type_name != "structure":
        text = element.text or ""
        return parse_timestamp(text) if shape.type_name == "timestamp" else _value(shape, text)
    names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
    found: dict[str, Any] = {}
    for child in element:
        name = names[child.tag.rpartition("}")[2]]
        member = shape.members[name]
        if member.type_name == "list" and member.serialization.get("flattened"):
            found.setdefault(name, []).append(_from_xml(member.member, child))
        else:
            found[name] = _from_xml(member, child)
    return found


def write(model: OperationModel, url: str, said: Mapping[str, Any], status: int | None = None) -> AWSResponse:
    """Return the answer that botocore parses into `said`."""
    shape = model.output_shape
    members = shape.members if shape else {}
    unknown = set(said) - set(members)
    assert not unknown, f"the answer of {model.name} has no {sorted(unknown)}"
    headers: dict[str, str] = {}
    for name, member in members.items():
        if name in said:
            headers |= _headers(name, member, said[name])
    status = status or model.http.get("responseCode", 200)
    return response(url, status, _body(shape, said) if shape else b"", headers)


def _headers(name: str, shape: Shape, value: Any) -> dict[str, str]:
    wire = shape.serialization.get("name", name)
    if shape.serialization.get("location") == "headers":
        return {wire + key: _written(shape.value, one) for key, one in value.items()}
    return {wire: _written(shape, value)} if shape.serialization.get("location") == "header" else {}


def _body(shape: Shape, said: Mapping[str, Any]) -> bytes:
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        return bytes(said.get(payload, b""))
    if payload:
        root = _to_xml(payload, shape.members[payload], said[payload])[0]
    else:
        inside = {name: said[name] for name in said if "location" not in shape.members[name].serialization}
        if not any("location" not in member.serialization for member in shape.members.values()):
            return b""
        root = _to_xml(ROOTS.get(shape.name, shape.name), shape, inside)[0]
    # Written as it is, a carriage return would be read as a line feed: https://www.w3.org/TR/xml/#sec-line-ends
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True).replace(b"\r", b"&#13;")


def _to_xml(name: str, shape: Shape, value: Any) -> list[ElementTree.Element]:
    """Return the element of this name, or the elements of a flattened list."""
    if shape.type_name == "list":
        flat = shape.serialization.get("flattened")
        inner = name if flat else shape.member.serialization.get("name", "member")
        children = [element for one in value for element in _to_xml(inner, shape.member, one)]
        if flat:
            return children
        element = ElementTree.Element(name)
        element.extend(children)
        return [element]
    element = ElementTree.Element(name)
    if shape.type_name != "structure":
        element.text = _written(shape, value, in_xml=True)
        return [element]
    unknown = set(value) - set(shape.members)
    assert not unknown, f"{shape.name} has no {sorted(unknown)}"
    for member_name, member in shape.members.items():
        if member_name in value:
            wire = member.serialization.get("name", member_name)
            element.extend(_to_xml(wire, member, value[member_name]))
    return [element]


def _written(shape: Shape, value: Any, in_xml: bool = False) -> str:
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name == "timestamp" and not isinstance(value, str):
        return f"{value:%Y-%m-%dT%H:%M:%S}.000Z" if in_xml else format_datetime(value, usegmt=True)
    return str(value)


def error(
    url: str, status: int, code: str, message: str, is_head: bool, region: str | None = None
) -> AWSResponse:
    """Return a refusal; the answer to a HEAD has no body, but may name the bucket's region, which botocore asks for at a 400."""
    root = ElementTree.Element("Error")
    for name, text in (("Code", code), ("Message", message)):
        ElementTree.SubElement(root, name).text = text
    headers = {"x-amz-bucket-region": region} if is_head and region else {}
    return response(url, status, b"" if is_head else ElementTree.tostring(root), headers)


def response(url: str, status: int, body: bytes, headers: Mapping[str, str]) -> AWSResponse:
    """Return an answer as botocore gets it from its connection."""
    answer = AWSResponse(url, status, {}, _Raw(body))
    answer.headers = _Headers(headers)
    return answer


class _Headers(HeadersDict):  # type: ignore[misc]
    """Headers as botocore has them; it asks each answer for every one that there could be, so most are not there."""

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in self._names

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._names: set[str] = set()
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __setitem__(self, name: str, value: str) -> None:
        self._names.add(name.lower())
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self._names.discard(name.lower())
        super().__delitem__(name)


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield all of it."""
        yield self.read()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
