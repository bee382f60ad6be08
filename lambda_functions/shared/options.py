"""The input of an execution: what it may contain, the defaults, and what is wrong with it.

Pure: bytes of JSON in, an `Options` or one clear sentence out. Whether the buckets exist is asked elsewhere
(`s3/heads`).
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from lambda_functions.shared.bucket_names import bucket_problem
from lambda_functions.shared.errors import Refused
from lambda_functions.shared.plan_input import names_plan, plan_problems
from lambda_functions.shared.spelling import JSON, Spelling, has_half_a_character, quote

# The input travels in every state, and 256 KiB is the limit of a state's data
# (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html); this leaves room for it four times over.
MAX_INPUT_BYTES = 32 * 1024
MAX_PROBLEMS = 10
HALF_A_CHARACTER = "it has half a character (a lone surrogate), which no key can have"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES = 1024
# Children of one Map Run: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_CONCURRENCY = 10_000

STORAGE_CLASSES = (
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
)  # fmt: skip
KMS_WORDS = ("aws:kms", "aws:kms:dsse")
NOT_SUPPORTED_YET = ("verify", "maxCostUsd")
# Not ours, but of Step Functions and those who use it: a remark in its examples, and what it puts into the input of an execution
# that an execution starts (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html).
PASSED_OVER = ("Comment", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID")
_ACCOUNT = re.compile(r"[0-9]{12}")
# A header carries it: an ARN, an id, or an alias.
_KMS_KEY = re.compile(r"[!-~]{1,2048}")
_PERCENT = re.compile(r"([0-9]{1,2}(\.[0-9]+)?|100(\.0+)?)%")


@dataclass(frozen=True)
class Options:
    """An input with every default filled in; the names are those of the input, so that it reads the same in the console."""

    source: str
    destination: str
    prefix: str = ""
    destinationPrefix: str = ""  # noqa: N815
    startAfter: str | None = None  # noqa: N815
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    delete: bool = True
    maxDelete: int | str | None = None  # noqa: N815
    allowEmptySource: bool = False  # noqa: N815
    dryRun: bool = False  # noqa: N815
    compareMetadata: bool | str = True  # noqa: N815
    compareTags: bool = False  # noqa: N815
    copyTags: bool = True  # noqa: N815
    unprovable: str = "copy"
    storageClass: str = "source"  # noqa: N815
    acl: str | None = None
    serverSideEncryption: str | None = None  # noqa: N815
    sseKmsKeyId: str | None = None  # noqa: N815
    requestPayer: bool = False  # noqa: N815
    maxConcurrency: int = 20  # noqa: N815
    sourceOwner: str | None = None  # noqa: N815
    destinationOwner: str | None = None  # noqa: N815

    def to_json(self) -> dict[str, Any]:
        """Return plain data for a state."""
        return {**asdict(self), "include": list(self.include), "exclude": list(self.exclude)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Options:
        """Return the options that `to_json` wrote."""
        return cls(**{**data, "include": tuple(data["include"]), "exclude": tuple(data["exclude"])})


NAMES = tuple(field.name for field in fields(Options))


def parse(data: Any, defaults: Mapping[str, Any]) -> Options:
    """Return the options of an execution's input; raise `Refused("InvalidInput", ...)` naming everything wrong with it.

    `defaults` are those of the deployment: `{"maxConcurrency": 20, "maxDelete": null}`.
    """
    require_valid(data, defaults)
    return _with_defaults({name: value for name, value in data.items() if name in NAMES}, defaults)


def require_valid(data: Any, defaults: Mapping[str, Any]) -> None:
    """Raise the same for an input, also for one that names a plan, which `parse` cannot know."""
    problems = find_problems(data, defaults)
    if problems:
        raise Refused("InvalidInput", describe_problems(problems))


def find_problems(data: Any, defaults: Mapping[str, Any], spelling: Spelling = JSON) -> list[str]:
    """Return everything that is wrong with an input, in the words of whoever gave it; `defaults` as for `parse`."""
    if not isinstance(data, dict):
        return [f"the input is {quote(data)}; expected an object"]
    if len(json.dumps(data)) > MAX_INPUT_BYTES:
        return [f"the input is larger than {MAX_INPUT_BYTES:,} bytes; name prefixes instead of single keys"]
    if names_plan(data):
        return plan_problems(data, rules_in(spelling), PASSED_OVER, spelling)
    problems = [_unknown_option(name) for name in data if name not in (*NAMES, *PASSED_OVER)]
    problems += [
        f"{spelling.name(name)} is missing" for name in ("source", "destination") if name not in data
    ]
    known = {name: value for name, value in data.items() if name in NAMES}
    rules = rules_in(spelling)
    for name, value in known.items():
        expected = rules[name](value)
        problems += [f"{spelling.given(name, value)}; {expected}"] if expected else []
    return problems or _contradictions(_with_defaults(known, defaults), spelling)


def describe_problems(problems: list[str], spelling: Spelling = JSON) -> str:
    """Return the first problems as a sentence, and what to do."""
    more = f"; and {len(problems) - MAX_PROBLEMS} more" if len(problems) > MAX_PROBLEMS else ""
    said = "; ".join(problems[:MAX_PROBLEMS])
    return f"{said}{more}. Nothing was changed. Start again with, for example, {spelling.example}."


def _with_defaults(known: Mapping[str, Any], defaults: Mapping[str, Any]) -> Options:
    given = {name: value for name, value in defaults.items() if name in NAMES and value is not None}
    values = {**given, **known}
    values.setdefault("destinationPrefix", values.get("prefix", ""))
    for name in ("include", "exclude"):
        values[name] = tuple(values.get(name, ()))
    return Options(**values)


def _unknown_option(name: str) -> str:
    if name in NOT_SUPPORTED_YET:
        return f'"{name}" is not built yet; leave it out'
    near = difflib.get_close_matches(name, NAMES, n=1) or difflib.get_close_matches(
        name.strip(" :"), NAMES, n=1
    )
    hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(NAMES)}"
    return f"{quote(name)} is not an option ({hint})"


def _boolean_problem(value: Any) -> str | None:
    return None if isinstance(value, bool) else "expected true or false"


def _metadata_problem(value: Any) -> str | None:
    return None if isinstance(value, bool) or value == "all" else 'expected true, false or "all"'


def _key_problem(value: Any) -> str | None:
    if not isinstance(value, str):
        return "expected text"
    if has_half_a_character(value):
        return HALF_A_CHARACTER
    size = len(value.encode())
    return None if size <= MAX_KEY_BYTES else f"it has {size:,} bytes; a key has at most {MAX_KEY_BYTES:,}"


def _globs_problem(spelling: Spelling, value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(glob, str) and glob for glob in value):
        return f"expected a list of patterns, such as {spelling.patterns}"
    return HALF_A_CHARACTER if any(map(has_half_a_character, value)) else None


def max_delete_problem(value: Any) -> str | None:
    """Say what is expected of `maxDelete`, wherever it is given; None if the value is right: 0, 1000, "10%", "12.5%"."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if is_number or (isinstance(value, str) and _PERCENT.fullmatch(value)):
        return None
    return 'expected a number of objects, such as 1000, or a share of the destination, such as "10%"'


def max_deletes(max_delete: int | str | None, destination_objects: int) -> int | None:
    """Return how many objects `maxDelete` allows: a number, or a share such as "10%" rounded down; None is no limit."""
    if max_delete is None or isinstance(max_delete, int):
        return max_delete
    percent, _, decimals = max_delete.rstrip("%").partition(".")  # exact: a float would allow one too many
    scale: int = 100 * 10 ** len(decimals)
    return destination_objects * int(percent + decimals) // scale


def _concurrency_problem(value: Any) -> str | None:
    is_right = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_CONCURRENCY
    return None if is_right else f"expected a whole number from 1 to {MAX_CONCURRENCY:,}"


def _account_problem(spelling: Spelling, value: Any) -> str | None:
    is_right = isinstance(value, str) and _ACCOUNT.fullmatch(value)
    return (
        None
        if is_right
        else f'expected the 12 digits of an AWS account{spelling.as_text}, such as "111122223333"'
    )


def _kms_key_problem(spelling: Spelling, value: Any) -> str | None:
    is_right = isinstance(value, str) and _KMS_KEY.fullmatch(value)
    return None if is_right else f"expected the ARN or id of a key of KMS{spelling.as_text}"


def _choice_problem(*words: str) -> Callable[[Any], str | None]:
    listed = ", ".join(f'"{word}"' for word in words)
    return lambda value: None if isinstance(value, str) and value in words else f"expected one of {listed}"


def rules_in(spelling: Spelling) -> Mapping[str, Callable[[Any], str | None]]:
    """Return for each option what says what is expected of its value, None where the value is right."""
    globs, account = (
        functools.partial(_globs_problem, spelling),
        functools.partial(_account_problem, spelling),
    )
    return {
        "source": functools.partial(bucket_problem, spelling, "prefix"),
        "destination": functools.partial(bucket_problem, spelling, "destinationPrefix"),
        "prefix": _key_problem,
        "destinationPrefix": _key_problem,
        "startAfter": _key_problem,
        "include": globs,
        "exclude": globs,
        "delete": _boolean_problem,
        "maxDelete": max_delete_problem,
        "allowEmptySource": _boolean_problem,
        "dryRun": _boolean_problem,
        "compareMetadata": _metadata_problem,
        "compareTags": _boolean_problem,
        "copyTags": _boolean_problem,
        "unprovable": _choice_problem("copy", "keep"),
        "storageClass": _choice_problem("source", *STORAGE_CLASSES),
        "acl": _choice_problem("bucket-owner-full-control"),
        "serverSideEncryption": _choice_problem("AES256", *KMS_WORDS),
        "sseKmsKeyId": functools.partial(_kms_key_problem, spelling),
        "requestPayer": _boolean_problem,
        "maxConcurrency": _concurrency_problem,
        "sourceOwner": account,
        "destinationOwner": account,
    }


RULES = rules_in(JSON)


def _contradictions(options: Options, spelling: Spelling) -> list[str]:
    checks = (_overlap_problem, _encryption_problem, _tags_problem, _excludes_everything)
    return [problem for check in checks if (problem := check(options, spelling))]


def _overlap_problem(options: Options, spelling: Spelling) -> str | None:
    if options.source != options.destination or not overlap(options.prefix, options.destinationPrefix):
        return None
    return (
        f'source and destination are the same bucket, "{options.source}", and their prefixes overlap '
        f'("{options.prefix}" and "{options.destinationPrefix}"); expected two buckets, '
        "or prefixes of which neither begins the other"
    )


def _encryption_problem(options: Options, spelling: Spelling) -> str | None:
    if options.sseKmsKeyId is None or options.serverSideEncryption in KMS_WORDS:
        return None
    name, wanted = spelling.name("sseKmsKeyId"), spelling.pair("serverSideEncryption", "aws:kms")
    return f'{name} names a key of KMS; expected {wanted} or "aws:kms:dsse" beside it'


def _tags_problem(options: Options, spelling: Spelling) -> str | None:
    if options.copyTags or not options.compareTags:
        return None
    both = f"{spelling.given('compareTags', True)} and {spelling.given('copyTags', False)}"
    return f"{both}, so tags that differ would stay so; expected one of the two alone"


def _excludes_everything(options: Options, spelling: Spelling) -> str | None:
    """Say how to mean what other tools write as "exclude everything, then include some"."""
    everything = [glob for glob in options.exclude if not glob.strip("*")]
    if not everything:
        return None
    include, exclude = spelling.name("include"), spelling.name("exclude")
    right = (
        f"{include} alone is enough, because only what it matches is in scope: leave {exclude} out"
        if options.include
        else f"expected patterns of what is to be left alone, such as {spelling.patterns}"
    )
    excluded = spelling.given("exclude", list(options.exclude))
    return f'{excluded}; "{everything[0]}" matches every key, and excluded wins; {right}'


def overlap(prefix: str, other: str) -> bool:
    """Whether a key can be under both prefixes."""
    return prefix.startswith(other) or other.startswith(prefix)
