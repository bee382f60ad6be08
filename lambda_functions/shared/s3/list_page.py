"""A page of ListObjectsV2 read from its bytes, some forty times faster than botocore reads it.

Only a page that is written exactly as S3 writes pages is read here, and every byte of it is accounted for. Whatever else it
may be (unknown or repeated elements, comments, other encodings, a body cut off, an error in an answer with status 200) is
left to botocore, whose word counts: `parse` says None, never something else than botocore.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple

from botocore.compat import unquote_str

Checksum = tuple[str, str] | None


class Entry(NamedTuple):
    """One object as listed; `key` is relative, `etag` without quotes, `checksum` such as ("CRC64NVME", "FULL_OBJECT").

    A tuple, because nothing that has names and cannot be changed is made faster, and there is one for every object.
    """

    key: str
    etag: str
    size: int
    modified: datetime
    storage_class: str = "STANDARD"
    is_restored: bool = False
    checksum: Checksum = None
    is_being_restored: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its objects by columns, `keys` with their prefix; whether there are more (None: it does not say) and where.

    `retries` is how often it was asked for in vain.
    """

    keys: Sequence[str]
    etags: Iterable[str]
    sizes: Iterable[int]
    modified: Iterable[datetime]
    storage_classes: Iterable[str]
    are_restored: Iterable[bool]
    checksums: Iterable[Checksum]
    are_being_restored: Iterable[bool]
    is_truncated: bool | None
    token: str | None
    retries: int = 0

    def entries(self, prefix: str) -> list[Entry]:
        """Return the objects, their keys relative to a prefix; once, because columns may be of those that can be read once."""
        keys = [key.removeprefix(prefix) for key in self.keys] if prefix else self.keys
        about = (self.etags, self.sizes, self.modified, self.storage_classes)
        columns = (*about, self.are_restored, self.checksums, self.are_being_restored)
        return list(map(Entry._make, zip(keys, *columns, strict=False)))


def page_from_botocore(answer: Mapping[str, Any]) -> Page:
    """Return the page that botocore has read; a missing field raises KeyError when the objects are used."""
    contents = answer.get("Contents", ())
    return Page(
        keys=[listed["Key"] for listed in contents],
        etags=(listed["ETag"].strip('"') for listed in contents),
        sizes=(listed["Size"] for listed in contents),
        modified=(listed["LastModified"] for listed in contents),
        storage_classes=(listed.get("StorageClass", "STANDARD") for listed in contents),
        are_restored=(_is_restored(listed.get("RestoreStatus") or {}) for listed in contents),
        checksums=map(_checksum, contents),
        are_being_restored=(_is_being_restored(listed.get("RestoreStatus") or {}) for listed in contents),
        is_truncated=answer.get("IsTruncated"),
        token=answer.get("NextContinuationToken"),
    )


def _checksum(listed: Mapping[str, Any]) -> Checksum:
    algorithms = listed.get("ChecksumAlgorithm")
    return (algorithms[0], listed.get("ChecksumType", "")) if algorithms else None


def _is_restored(status: Mapping[str, Any]) -> bool:
    return "RestoreExpiryDate" in status and not status.get("IsRestoreInProgress")


def _is_being_restored(status: Mapping[str, Any]) -> bool:
    return bool(status.get("IsRestoreInProgress"))


class _UnusualPage(ValueError):
    """A page that is left to botocore."""


def parse(body: bytes) -> Page | None:
    """Return the page that botocore would read from the body of an answer to `EncodingType=url`, None if it is unusual.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    """
    try:
        return _parse(body.decode())
    except ValueError:  # also text that is no UTF-8, and dates that there are not
        return None


# Characters of XML but those of markup and control (https://www.w3.org/TR/xml/#charsets), and references to characters.
_PLAIN = r"[^<>&\x00-\x1f\ufffe\uffff]*+"
_TEXT = rf"{_PLAIN}(?:&(?:amp|lt|gt|quot|apos|\#[0-9]{{1,7}}|\#x[0-9a-fA-F]{{1,6}});{_PLAIN})*+"
_DATE = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z"
_QUOTE = r"(?:&quot;|&\#34;|\")?+"

# An object: these elements in any order, each at most once (`(?(3)(?!))` fails where group 3 has matched before).
_CONTENTS = re.compile(
    rf"""<Contents>(?:<(?:
        Key>(?(1)(?!))({_TEXT})</Key>
        |LastModified>(?(2)(?!))({_DATE})</LastModified>
        |ETag>(?(3)(?!)){_QUOTE}([0-9A-Za-z_-]++){_QUOTE}</ETag>
        |S(?:ize>(?(4)(?!))([0-9]{{1,18}}+)</Size>
            |torageClass>(?(5)(?!))([A-Z_]++)</StorageClass>)
        |Checksum(?:Algorithm>(?(6)(?!))([A-Z0-9_]++)</ChecksumAlgorithm>
                (?:<ChecksumAlgorithm>[A-Z0-9_]++</ChecksumAlgorithm>)*+
            |Type>(?(7)(?!))([A-Z_]++)</ChecksumType>)
        |RestoreStatus>(?(8)(?!))((?:<IsRestoreInProgress>(?:true|false)</IsRestoreInProgress>)?+
                (?:<RestoreExpiryDate>{_DATE}</RestoreExpiryDate>)?+)</RestoreStatus>
        |Owner>(?(9)(?!))((?:<DisplayName>{_TEXT}</DisplayName>)?+(?:<ID>{_TEXT}</ID>)?+
                (?:<DisplayName>{_TEXT}</DisplayName>)?+)</Owner>
    ))++</Contents>""",
    re.VERBOSE,
)
_DOCUMENT = re.compile(
    r"""(?:<\?xml[ ]version=(?:"1\.0"|'1\.0')(?:[ ]encoding=(?:"[Uu][Tt][Ff]-8"|'[Uu][Tt][Ff]-8'))?+[ ]?\?>[ \t\r\n]*+)?+
    <ListBucketResult(?:[ ]xmlns="http://s3\.amazonaws\.com/doc/2006-03-01/")?+>(.*)</ListBucketResult>[ \t\r\n]*+""",
    re.VERBOSE | re.DOTALL,
)
# What a page says of itself, before its objects or behind them.
_PROPERTY = re.compile(
    rf"""<(Name|Prefix|StartAfter|ContinuationToken|NextContinuationToken|EncodingType|MaxKeys|KeyCount|IsTruncated)
    (?:[ ]?+/>|>({_TEXT})</\1>)""",
    re.VERBOSE,
)
_OBJECTS_MARK = "<Contents/>"
_REFERENCE = re.compile("&(?:#(x?)([0-9a-fA-F]+)|([a-z]+));")
_CHARACTERS_BY_NAME = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _parse(text: str) -> Page:
    pieces = _CONTENTS.split(text)
    step = _CONTENTS.groups + 1
    between, keys, dates, etags, sizes, classes, algorithms, types, restores, _ = (
        pieces[group::step] for group in range(step)
    )
    if any(between[1:-1]) or any(None in column for column in (keys, dates, etags, sizes)):
        raise _UnusualPage
    are_restored, are_being_restored = _restore_flags(restores)
    properties = _properties([between[0], between[-1]] if keys else between, len(keys))
    if "&#" in text:
        _unescape(" ".join(match[0] for match in _REFERENCE.finditer(text)))
    return Page(
        keys=_keys(keys, properties.get("EncodingType") == "url"),
        etags=etags,
        sizes=list(map(int, sizes)),
        modified=list(map(datetime.fromisoformat, dates)),
        storage_classes=[name or "STANDARD" for name in classes],
        are_restored=are_restored,
        checksums=_checksums(algorithms, types),
        are_being_restored=are_being_restored,
        is_truncated={"true": True, "false": False, None: None}[properties.get("IsTruncated")],
        token=properties.get("NextContinuationToken"),
    )


def _properties(around: Sequence[str], objects: int) -> dict[str, str]:
    """Return what a page says of itself in what is left of it around its objects."""
    document = _DOCUMENT.fullmatch(_OBJECTS_MARK.join(around))
    pieces = _PROPERTY.split(document[1]) if document else [""]
    names, texts = pieces[1::3], pieces[2::3]
    properties = {name: _unescape(text or "") for name, text in zip(names, texts, strict=True)}
    is_usual = (
        document is not None
        and [piece for piece in pieces[::3] if piece] == ([_OBJECTS_MARK] if objects else [])
        and len(properties) == len(names)
        and properties.get("IsTruncated", "true") in ("true", "false")
        and properties.get("EncodingType", "url") == "url"
        and properties.get("KeyCount", str(objects)) == str(objects)
        and properties.get("MaxKeys", "0").isdecimal()
    )
    if not is_usual:
        raise _UnusualPage
    return properties


def _keys(texts: Sequence[str], are_quoted: bool) -> Sequence[str]:
    """Return keys as botocore's `decode_list_object_v2` does: all at once, if no key has the line feed that parts them."""
    joined = "\n".join(texts)
    if "&" in joined:
        texts = [_unescape(text) for text in texts]
        joined = "\n".join(texts)
    if not are_quoted or ("%" not in joined and "+" not in joined):
        return texts
    if "%0A" in joined or "%0a" in joined or joined.count("\n") >= len(texts):
        return [unquote_str(text) for text in texts]
    return str(unquote_str(joined)).split("\n")


def _restore_flags(texts: Sequence[str | None]) -> tuple[Iterable[bool], Iterable[bool]]:
    """Return whether each object is restored, and whether it is about to be, from what stands in its RestoreStatus."""
    if texts.count(None) == len(texts):
        return repeat(False), repeat(False)
    found = [_restore_status(text) if text else {} for text in texts]
    return list(map(_is_restored, found)), list(map(_is_being_restored, found))


def _restore_status(text: str) -> dict[str, Any]:
    _, tag, expiry = text.rpartition("<RestoreExpiryDate>")
    until = {"RestoreExpiryDate": datetime.fromisoformat(expiry.partition("<")[0])} if tag else {}
    return {"IsRestoreInProgress": ">true<" in text, **until}


def _checksums(algorithms: Sequence[str | None], types: Sequence[str | None]) -> Iterable[Checksum]:
    if algorithms.count(None) == len(algorithms):
        return repeat(None)
    return [(name, kind or "") if name else None for name, kind in zip(algorithms, types, strict=True)]


def _unescape(text: str) -> str:
    """Return a text without references; raise ValueError for one to what is no character of XML."""
    return _REFERENCE.sub(_resolve, text) if "&" in text else text


def _resolve(reference: re.Match[str]) -> str:
    is_hexadecimal, number, name = reference.groups()
    character = _CHARACTERS_BY_NAME[name] if name else chr(int(number, 16 if is_hexadecimal else 10))
    if _NOT_IN_XML.match(character):
        raise _UnusualPage
    return character
