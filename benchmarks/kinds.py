"""Which S3 operation a request is, told from nothing but its first line and its headers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

_BUCKET = {"GET": "LIST", "HEAD": "HEAD_BUCKET", "PUT": "CREATE_BUCKET", "DELETE": "DELETE_BUCKET"}
_OBJECT = {"GET": "GET", "HEAD": "HEAD", "PUT": "PUT", "DELETE": "DELETE"}
_SUBRESOURCES = ("location", "tagging", "acl", "uploads", "versioning", "attributes", "policy", "encryption")


@dataclass(frozen=True)
class Request:
    """One request in path style: `PUT /bucket/key?query`; header names in lower case."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]

    def kind(self) -> str:
        """Return LIST, HEAD, COPY, DELETE_OBJECTS ...; a subresource of a bucket or object is told as such: GET_TAGGING."""
        for name in _SUBRESOURCES:
            if name in self.query:
                return f"{self.method}_{name.upper()}"
        if self.method == "POST":
            return "DELETE_OBJECTS" if "delete" in self.query else "COMPLETE_UPLOAD"
        if not self.key:
            return _BUCKET.get(self.method, self.method)
        kind = "COPY" if "x-amz-copy-source" in self.headers else _OBJECT.get(self.method, self.method)
        return f"{kind}_PART" if "partNumber" in self.query and self.method == "PUT" else kind


def read_request(head: bytes) -> Request:
    """Return the request whose line and headers these are."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    path, _, query = target.partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    headers = dict(_header(line) for line in lines if line)
    return Request(method, bucket, key, dict(parse_qsl(query, keep_blank_values=True)), headers)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
