"""The flags of `fab sync`: one for every option of the input, from one table.

Only what was typed is passed on; what a value may be is judged by the code that judges the input. An option that is true or
false has two flags, so that a file of options can be overruled in both directions.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from inspect import Parameter
from typing import Any

from deployment.errors import ConfigurationError


class Kind(Enum):
    """What is typed behind a flag, and what it becomes in the input."""

    TEXT = "text"
    NUMBER = "digits become a number, anything else stays the text that it is"
    AMOUNT = "as NUMBER, also with decimals"
    PATTERNS = "may be given again and again"
    WORDS = "the same, and with commas between"
    SWITCH = "nothing; --no-... is the opposite"
    PAIRS = "names and values, such as days=7,tier=Bulk; anything else stays the text that it is"
    SWITCH_OR_TEXT = "text, or true and false; --no-... is false"


@dataclass(frozen=True)
class OptionFlag:
    """An option of the input as a flag; `no_help` is for its opposite."""

    option: str
    kind: Kind
    help: str
    no_help: str = ""

    @property
    def parameter(self) -> str:
        """Its name as a parameter: `max_delete`."""
        return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", self.option)

    @property
    def typed(self) -> str:
        """`--max-delete`."""
        return f"--{self.parameter.replace('_', '-')}"

    @property
    def opposite(self) -> str:
        """`--no-delete`."""
        return f"--no{self.typed[1:]}"

    @property
    def has_opposite(self) -> bool:
        return self.kind in (Kind.SWITCH, Kind.SWITCH_OR_TEXT)


FLAGS = (
    OptionFlag(
        "source",
        Kind.TEXT,
        "The bucket to read, or an address such as bucket/folder/; alone, a name of SYNCS. Required.",
    ),
    OptionFlag(
        "destination",
        Kind.TEXT,
        "The bucket to make equal to the source, or an address. Required without such a name.",
    ),
    OptionFlag("prefix", Kind.TEXT, "Only keys that begin so. Default: all keys."),
    OptionFlag(
        "destinationPrefix",
        Kind.TEXT,
        "What the destination's keys begin with instead. Default: the same prefix.",
    ),
    OptionFlag("startAfter", Kind.TEXT, "Only keys, without the prefix, after this one. Default: all keys."),
    OptionFlag("include", Kind.PATTERNS, "Only keys like this pattern, such as '*.jpg'. May be given again."),
    OptionFlag(
        "exclude", Kind.PATTERNS, "No keys like this pattern: neither copied nor deleted. May be given again."
    ),
    OptionFlag("minSize", Kind.NUMBER, "Only objects of at least so many bytes. Default: all."),
    OptionFlag("maxSize", Kind.NUMBER, "Only objects of at most so many bytes. Default: all."),
    OptionFlag(
        "modifiedAfter",
        Kind.TEXT,
        "Only source objects written at that time or later, such as 2026-11-28T14:00:00Z; no orphan is deleted. Default: all.",
    ),
    OptionFlag(
        "modifiedBefore",
        Kind.TEXT,
        "Only source objects written before that time; no orphan is deleted. Default: all.",
    ),
    OptionFlag(
        "storageClasses",
        Kind.WORDS,
        "Only source objects of these classes, such as STANDARD,GLACIER_IR; no orphan is deleted. May be given again.",
    ),
    OptionFlag(
        "overwrite",
        Kind.SWITCH_OR_TEXT,
        "true, false, or newer: only what was written later than the destination's. Default: true.",
        "Copy only what is missing.",
    ),
    OptionFlag(
        "delete", Kind.SWITCH, "Delete what the source does not have. Default: delete it.", "Keep it."
    ),
    OptionFlag(
        "maxDelete",
        Kind.NUMBER,
        "Refuse to delete more objects, e.g. 500 or 10%. Default: MAX_DELETE of the configuration.",
    ),
    OptionFlag(
        "maxCostUsd", Kind.AMOUNT, "Refuse a plan that is estimated to cost more, e.g. 20. Default: no limit."
    ),
    OptionFlag(
        "allowEmptySource",
        Kind.SWITCH,
        "Sync even if that empties the destination. Default: refuse.",
        "Refuse.",
    ),
    OptionFlag("dryRun", Kind.SWITCH, "Only count what would be copied and deleted.", "Sync really."),
    OptionFlag("verify", Kind.SWITCH, "Compare once more at the end; fail if the buckets differ.", "Do not."),
    OptionFlag(
        "compareMetadata",
        Kind.SWITCH_OR_TEXT,
        "true, false, or all: of every object, two requests each. Default: true.",
        "The same as --compare-metadata=false.",
    ),
    OptionFlag("compareTags", Kind.SWITCH, "Compare the tags of every object, two requests each.", "Do not."),
    OptionFlag("copyTags", Kind.SWITCH, "Copy tags. Default: copy them.", "Read and write no tags."),
    OptionFlag("unprovable", Kind.TEXT, "What no checksum can prove equal: copy or keep. Default: copy."),
    OptionFlag(
        "storageClass", Kind.TEXT, "The storage class of all copies. Default: source, that of the source."
    ),
    OptionFlag("objectLock", Kind.TEXT, "copy: give copies the Object Lock of their source. Default: none."),
    OptionFlag("annotations", Kind.TEXT, "copy: copy the annotations of objects too. Default: none."),
    OptionFlag(
        "restore",
        Kind.PAIRS,
        "Ask for archived sources, e.g. days=7,tier=Bulk; a later sync copies them. Default: skip them.",
    ),
    OptionFlag("acl", Kind.TEXT, "The ACL of all copies: bucket-owner-full-control. Default: none."),
    OptionFlag(
        "serverSideEncryption",
        Kind.TEXT,
        "AES256, aws:kms or aws:kms:dsse. Default: that of the destination bucket.",
    ),
    OptionFlag("sseKmsKeyId", Kind.TEXT, "The KMS key of --server-side-encryption. Default: none."),
    OptionFlag("requestPayer", Kind.SWITCH, "Pay for requests to a requester-pays source.", "Do not."),
    OptionFlag(
        "maxConcurrency",
        Kind.NUMBER,
        "How many Lambdas work at once. Default: MAX_CONCURRENCY of the configuration.",
    ),
    OptionFlag("sourceOwner", Kind.TEXT, "The account, 12 digits, that must own the source. Default: any."),
    OptionFlag(
        "destinationOwner", Kind.TEXT, "The account, 12 digits, that must own the destination. Default: any."
    ),
    OptionFlag(
        "name", Kind.TEXT, "What the run is called in its report. Default: its name in SYNCS, if any."
    ),
)

# Those that say what is compared, and not what a sync does about it.
COMPARING = tuple(
    flag
    for flag in FLAGS
    if flag.option
    in (
        *("source", "destination", "prefix", "destinationPrefix", "startAfter", "include", "exclude"),
        *("minSize", "maxSize", "modifiedAfter", "modifiedBefore", "storageClasses"),
        *("delete", "compareMetadata", "compareTags", "requestPayer", "maxConcurrency"),
        *("sourceOwner", "destinationOwner"),
    )
)

# Those that say what a sync asks of the owners of its buckets.
GRANTED = tuple(
    flag
    for flag in FLAGS
    if flag.option
    in (
        *("source", "destination", "prefix", "destinationPrefix", "delete", "compareTags", "copyTags", "acl"),
        *("serverSideEncryption", "sseKmsKeyId", "requestPayer"),
    )
)

PLAN_FLAGS = (
    OptionFlag("plan", Kind.TEXT, "Do exactly what this dry run has planned, by its name. Default: none."),
    OptionFlag("planDigest", Kind.TEXT, "Only if the plan has this digest. Default: any."),
)
"""Of an input that names the plan of a dry run, from which all options come."""

EVERY_FLAG = (*FLAGS, *PLAN_FLAGS)

BY_OPTION = {flag.option: flag for flag in EVERY_FLAG}

NO_ORIGINS: Mapping[str, str] = {}

REPEATABLE = [flag.parameter for flag in FLAGS if flag.kind in (Kind.PATTERNS, Kind.WORDS)]


def parameters(flags: Sequence[OptionFlag] = EVERY_FLAG) -> list[Parameter]:
    """Return the parameters that make Invoke offer these flags, by name only."""
    found = []
    for flag in flags:
        found.append((flag.parameter, False if flag.kind is Kind.SWITCH else None))
        found += [(f"no_{flag.parameter}", False)] if flag.has_opposite else []
    return [Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in found]


def help_texts(flags: Sequence[OptionFlag] = EVERY_FLAG) -> dict[str, str]:
    """Return the help for each flag, by its name without dashes in front."""
    texts = {flag.typed[2:]: flag.help for flag in flags}
    return texts | {flag.opposite[2:]: flag.no_help for flag in flags if flag.has_opposite}


def given_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the input that were typed, by parameter; raise ConfigurationError for a flag and its opposite."""
    found = {flag.option: _value(flag, values) for flag in EVERY_FLAG}
    return {option: value for option, value in found.items() if value is not None}


def in_flags(text: str, origins: Mapping[str, str] = NO_ORIGINS) -> str:
    """Return what a run says about options of its input, with flags instead: `"maxDelete": 7` becomes `--max-delete 7`.

    Whoever wrote the text did not know who would ask. Options of one small word are translated in quotation marks only. Where
    `origins` has words for an option, nobody has typed its flag, and they stand where the option stands without a value.
    """
    return _mention().sub(lambda mention: _mention_as_flag(mention, origins), text)


@functools.cache
def _mention() -> re.Pattern[str]:
    """Return what finds an option in a text; made when it is needed first, because few commands do.

    In quotation marks, perhaps with a value; or bare, where it cannot be a word of English or a part of a key.
    """
    return re.compile(
        rf'"(?P<quoted>{"|".join(BY_OPTION)})"(?:: (?P<value>true|false|[0-9]+(?:\.[0-9]+)?|"[^"]*"))?(?![\w"])'
        rf"|(?<![^\s(])(?P<bare>{'|'.join(name for name in BY_OPTION if name.lower() != name)})(?=[\s,;:.)]|$)"
    )


def _mention_as_flag(mention: re.Match[str], origins: Mapping[str, str]) -> str:
    flag = BY_OPTION[mention["quoted"] or mention["bare"]]
    value = mention["value"]
    if not value and flag.option in origins:
        return origins[flag.option]
    if value in ("true", "false"):
        return flag.typed if value == "true" else flag.opposite
    return f"{flag.typed} {value}" if value else flag.typed


def _value(flag: OptionFlag, values: Mapping[str, Any]) -> Any:
    value = values.get(flag.parameter)
    if flag.has_opposite and values.get(f"no_{flag.parameter}"):
        if value:
            raise ConfigurationError(f"{flag.typed} and {flag.opposite} are given; expected one of them.")
        return False
    match flag.kind:
        case Kind.SWITCH:
            return True if value else None
        case Kind.PATTERNS:
            return list(value) if value else None
        case Kind.WORDS:
            return [word for text in value for word in text.split(",")] if value else None
        case Kind.NUMBER if value and re.fullmatch(r"[0-9]{1,18}", value):
            return int(value)
        case Kind.AMOUNT if value and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", value):
            return float(value) if "." in value else int(value)
        case Kind.PAIRS if value:
            return _pairs(value)
        case Kind.SWITCH_OR_TEXT if value in ("true", "false"):
            return value == "true"
    return value


def _pairs(text: str) -> dict[str, Any] | str:
    """Return `days=7,tier=Bulk` as an object, digits as a number; a text that is not so as it is."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(name and equals for name, equals, _ in pairs):
        return text
    return {name: int(value) if re.fullmatch(r"[0-9]{1,18}", value) else value for name, _, value in pairs}


def typed_pairs(values: Mapping[str, Any]) -> str:
    """Return an object as it is typed: `days=7,tier=Bulk`."""
    return ",".join(f"{name}={value}" for name, value in values.items())
