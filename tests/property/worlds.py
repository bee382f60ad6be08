"""Two buckets and an input, drawn by Hypothesis: small, and as nasty as S3 allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from blueprints import S3_ITSELF, THEN, Blueprint, World
from filtering import filters
from hypothesis import strategies as st
from oracle import MAX_KEY_BYTES, UNDER_KMS, Encryption, Object

SOURCE, DESTINATION = "source", "destination"
BODIES = (b"", b"", b"1", b"12", b"21", b"123", b"1234567", b"7654321")
PIECES = (
    *(
        "a",
        "b",
        "A",
        "B",
        "ab",
        "/",
        "//",
        "..",
        "../",
        "a/",
        "tmp/",
        ".jpg",
        "~",
        "k" * 300,
        "ü" * 200,
        "k" * 1000,
    ),
    *(
        "+",
        "%",
        "%41",
        "&",
        "<",
        ">",
        "?",
        "#",
        "=",
        ";",
        ":",
        "'",
        '"',
        "\\",
        "*",
        "|",
        "\n",
        "\r",
        "\t",
        "\x01",
        "\x7f",
    ),
    *(
        " ",
        "ü",
        "e\u0301",
        "日本",
        "\U0001f469",
        "\U0010ffff",
        "\U00010000",
        "\uffff",
        "\ufffd",
        "\ufeff",
        "\x85",
        "\u2028",
    ),
)
CHARACTERS = st.characters(min_codepoint=1, exclude_categories=["Cs"])
PREFIXES = ("", "", "", "p/", "in", "a", "a/b/", "ä+ %/", "../", "x\n/", "\U0010ffff")
# What buckets encrypt with: S3's own keys, nearly always.
DEFAULTS = (
    *[S3_ITSELF] * 8,
    Encryption("aws:kms", "one"),
    Encryption("aws:kms:dsse", "other"),
    *[S3_ITSELF] * 4,
)
LONG_PREFIX = "L" * 1000 + "/"
# Prefixes within one bucket; of the last two, one begins the other.
TWO_PLACES = st.sampled_from(
    [("p/", "q/"), ("a/b/", "in"), ("x\n/", "../"), ("ä+ %/", "a"), ("a", "a/b/"), ("in", None)]
)
PATTERNS = (
    "*",
    "*.jpg",
    "a*",
    "A*",
    "?",
    "??*",
    "*/*",
    "[ab]*",
    "[!a]*",
    "*\n*",
    "tmp/*",
    "*\U0010ffff*",
    "[*]",
    "k*",
    "*ü*",
)
CLASSES = ("STANDARD", "STANDARD_IA", "GLACIER_IR", "GLACIER", "INTELLIGENT_TIERING", "DEEP_ARCHIVE")
CHECKSUMS = (None, None, ("CRC32", "FULL_OBJECT"), ("SHA256", "COMPOSITE"), ("CRC32", "COMPOSITE"))
HEADERS: dict[str, tuple[str, ...]] = {
    "content-type": ("text/plain", "binary/octet-stream", "text/html; charset=utf-8"),
    "cache-control": ("no-cache", "max-age=60, public"),
    "content-disposition": ('attachment; filename="a b.txt"',),
    "content-encoding": ("gzip", "br,gzip"),
    "content-language": ("de", "en, fr"),
    # S3 keeps whatever text it was given; "0" and "-1" are what many programs write.
    "expires": ("Wed, 02 Jan 2030 03:04:05 GMT", "0", "-1"),
}
METADATA = ("red", "a  b", "=?UTF-8?B?w7w=?=", "1,2", "%C3%BC", "")
TAGS = ("a b", "x=y/z:@+-._", "ü" * 100, "", "日本")

headers = st.fixed_dictionaries(
    {"content-type": st.sampled_from(HEADERS["content-type"])},
    optional={name: st.sampled_from(values) for name, values in HEADERS.items() if name != "content-type"},
)
metadata = st.dictionaries(
    st.sampled_from(["colour", "x-y", "a.b_c", "mtime"]), st.sampled_from(METADATA), max_size=2
)
tags = st.dictionaries(
    st.sampled_from(["team", "key 1", "ä", "k" * 128, "a+b=c", "empty"]), st.sampled_from(TAGS), max_size=6
)
redirects = st.sampled_from([None, None, "/elsewhere", "https://example.com/a%20b?c=d"])
relative_keys = st.one_of(
    st.just(""),
    st.sampled_from(PIECES),
    st.lists(st.sampled_from(PIECES), min_size=2, max_size=4).map("".join),
    st.text(CHARACTERS, min_size=1, max_size=4),
)


def partitions(size: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw sizes of parts that add up to this size: S3 has empty parts only where they are the last."""
    cuts = st.lists(st.integers(1, max(size - 1, 1)), max_size=3, unique=True).map(sorted)
    inner = cuts.map(lambda at: [end - start for start, end in zip([0, *at], [*at, size], strict=True)])
    exact = inner.map(lambda sizes: tuple(one for one in sizes if one > 0) or (0,)).filter(
        lambda sizes: sum(sizes) == size
    )
    return st.one_of(exact, exact, st.just((size,)), st.just((size, 0) if size else (0,)))


others = st.one_of(st.none(), st.none(), st.sampled_from([*PREFIXES, LONG_PREFIX]))


@st.composite
def blueprints(draw: Callable[..., Any]) -> Blueprint:
    """Draw an object; most are plain, so that what is odd stands alone."""
    body = draw(st.sampled_from(BODIES))
    found = Blueprint(body, modified=THEN + draw(st.integers(0, 3)))
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=draw(st.integers(0, 2)), max_size=3)):
        found = draw(change(found))
    return found


def _parts(found: Blueprint) -> st.SearchStrategy[Blueprint]:
    return st.one_of(
        partitions(len(found.body)).map(lambda parts: replace(found, parts=parts)),
        st.just(replace(found, parts=())),
    )


def _described(found: Blueprint) -> st.SearchStrategy[Blueprint]:
    return st.builds(replace, st.just(found), headers=headers, metadata=metadata, redirect=redirects)


def _tagged(found: Blueprint) -> st.SearchStrategy[Blueprint]:
    return tags.map(lambda drawn: replace(found, tags=drawn))


def _classed(found: Blueprint) -> st.SearchStrategy[Blueprint]:
    return st.builds(
        replace, st.just(found), storage_class=st.sampled_from(CLASSES), is_restored=st.booleans()
    )


def _encrypted(found: Blueprint) -> st.SearchStrategy[Blueprint]:
    words = st.sampled_from(UNDER_KMS)
    return st.builds(replace, st.just(found), kms=st.sampled_from([None, "one", "other"]), word=words)


def _checked(found: Blueprint) -> st.SearchStrategy[Blueprint]:
    return st.sampled_from(CHECKSUMS).map(lambda checksum: replace(found, checksum=checksum))


def _other_bytes(found: Blueprint) -> st.SearchStrategy[Blueprint]:
    return st.just(replace(found, body=found.body[::-1]))


def _longer(found: Blueprint) -> st.SearchStrategy[Blueprint]:
    parts = (*found.parts[:-1], found.parts[-1] + 1) if found.parts else ()
    return st.just(replace(found, body=found.body + b"+", parts=parts))


Change = Callable[[Blueprint], st.SearchStrategy[Blueprint]]
CHANGES: tuple[Change, ...] = (_parts, _parts, _described, _tagged, _classed, _encrypted, _checked)
DRIFTS: tuple[Change, ...] = (*CHANGES, _other_bytes, _other_bytes, _longer)


@st.composite
def drifted(draw: Callable[..., Any], source: Blueprint) -> Blueprint:
    """Draw what the destination has where the source has this: the same, older or newer, changed in up to two ways."""
    moment = source.modified + draw(st.sampled_from([-3600, -1, 0, 0, 1, 3600]))
    found = replace(source, modified=moment)
    for change in draw(st.lists(st.sampled_from(DRIFTS), min_size=draw(st.integers(0, 1)), max_size=2)):
        found = draw(change(found))
    return found


def fits(key: str) -> bool:
    """Tell whether S3 can have this key."""
    return 1 <= len(key.encode()) <= MAX_KEY_BYTES


@st.composite
def chosen_options(draw: Callable[..., Any], keys: list[str]) -> dict[str, Any]:
    """Draw up to three options besides the prefixes; `keys` are relative ones, worth starting after or excluding."""
    near = st.sampled_from([*keys, "", "a", "b", "\U0010ffff"]).filter(lambda key: fits(key) or not key)
    patterns = st.lists(
        st.sampled_from([*PATTERNS, *(key for key in keys if "[" not in key and key)]), min_size=1, max_size=2
    )
    every = {
        "startAfter": near,
        "include": patterns,
        "exclude": patterns.filter(lambda globs: all(glob.strip("*") for glob in globs)),
        "delete": st.booleans(),
        "maxDelete": st.one_of(st.integers(0, 3), st.sampled_from(["0%", "12.5%", "50%", "66.7%", "100%"])),
        "maxCostUsd": st.sampled_from([0.000001, 1000, 1000, 1000]),
        "allowEmptySource": st.booleans(),
        "dryRun": st.booleans(),
        "verify": st.just(True),
        "compareMetadata": st.sampled_from([True, False, "all", "all"]),
        "compareTags": st.booleans(),
        "unprovable": st.sampled_from(["copy", "keep", "keep"]),
        "storageClass": st.sampled_from(["source", "STANDARD", "STANDARD_IA", "GLACIER"]),
        "copyTags": st.sampled_from([False, False, True]),
        "restore": st.sampled_from([{"days": 1, "tier": tier} for tier in ("Bulk", "Standard", "Expedited")]),
        "serverSideEncryption": st.sampled_from(["AES256", *UNDER_KMS]),
    }
    names = draw(st.lists(st.sampled_from(sorted(every)), max_size=3, unique=True))
    options = {name: draw(every[name]) for name in names}
    if options.get("dryRun"):
        options.pop("verify", None)
    return {**options, **draw(named_key(options.get("serverSideEncryption")))}


def named_key(word: str | None) -> st.SearchStrategy[dict[str, str]]:
    """Draw which key of KMS is named beside this word; one that is none of KMS is refused with it, and seldom has one."""
    key = st.sampled_from(["other", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"])
    is_named = st.sampled_from([True, False] if word in UNDER_KMS else [False] * 15 + [True] + [False] * 14)
    return is_named.flatmap(lambda named: st.fixed_dictionaries({"sseKmsKeyId": key} if named else {}))


@st.composite
def worlds(draw: Callable[..., Any]) -> World:
    """Draw two buckets of up to eight keys in scope and a few beside it, and an input."""
    # Hypothesis likes the first and the last of everything; one bucket is to be rare.
    is_one_bucket = draw(st.sampled_from([False] * 6 + [True] + [False] * 5))
    prefix, into = draw(TWO_PLACES if is_one_bucket else st.tuples(st.sampled_from(PREFIXES), others))
    keys = draw(st.sampled_from([5, 0, 2, 3, 1]).flatmap(some_keys))
    target = prefix if into is None else into
    source, destination = _beside(prefix), _beside(target)
    for key in keys:
        where = draw(st.sampled_from(["both", SOURCE, "both", DESTINATION, "both"]))
        made = draw(blueprints())
        if where != DESTINATION and fits(prefix + key):
            source[prefix + key] = made.made()
        if where != SOURCE and fits(target + key):
            destination[target + key] = draw(drifted(made)).made()
    options = {"prefix": prefix} if prefix else {}
    options |= {"destinationPrefix": into} if into is not None else {}
    options |= draw(chosen_options(keys)) | draw(filters())
    encryption = draw(st.sampled_from(DEFAULTS))
    if is_one_bucket:
        return World({**source, **destination}, {}, options, True, encryption)
    return World(source, destination, options, encryption=encryption)


def some_keys(least: int) -> st.SearchStrategy[list[str]]:
    """Draw at least so many keys."""
    return st.lists(relative_keys, min_size=least, max_size=8, unique=True)


def _beside(prefix: str) -> dict[str, Object]:
    """Return what lies just outside a prefix; nothing does where the prefix is empty."""
    keys = (prefix[:-1], prefix.swapcase() + "x", "\x01 first") if prefix else ()
    made = Blueprint(b"beside", metadata={"be": "side"}, tags={"be": "side"}).made()
    return {key: made for key in keys if fits(key) and not key.startswith(prefix)}
