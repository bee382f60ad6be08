"""The input of an execution: what it may contain, the defaults, and what is wrong with it.

Pure: bytes of JSON in, an `Options` or one clear sentence out. Whether the buckets exist is asked elsewhere
(`s3/heads`).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.filter_rules import moments_contradiction, sizes_contradiction
from lambda_functions.shared.option_rules import KMS_WORDS, Restore, rules_in
from lambda_functions.shared.plan_input import names_plan, plan_problems
from lambda_functions.shared.spelling import JSON, Spelling, quote

# The input travels in every state, and 256 KiB is the limit of a state's data
# (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html); this leaves room for it four times over.
MAX_INPUT_BYTES = 32 * 1024
MAX_PROBLEMS = 10
# More than any remark has, and far less than what Python can write: whatever is said about a value can then be said.
MAX_LEVELS = 64
# Not ours, but of Step Functions and those who use it: a remark in its examples, and what it puts into the input of an execution
# that an execution starts (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html).
PASSED_OVER = ("Comment", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID")


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
    minSize: int | None = None  # noqa: N815
    maxSize: int | None = None  # noqa: N815
    modifiedAfter: str | None = None  # noqa: N815
    modifiedBefore: str | None = None  # noqa: N815
    storageClasses: tuple[str, ...] = ()  # noqa: N815
    overwrite: bool | str = True
    delete: bool = True
    maxDelete: int | str | None = None  # noqa: N815
    maxCostUsd: float | None = None  # noqa: N815
    allowEmptySource: bool = False  # noqa: N815
    dryRun: bool = False  # noqa: N815
    verify: bool = False
    compareMetadata: bool | str = True  # noqa: N815
    compareTags: bool = False  # noqa: N815
    copyTags: bool = True  # noqa: N815
    unprovable: str = "copy"
    storageClass: str = "source"  # noqa: N815
    objectLock: str = "none"  # noqa: N815
    annotations: str = "none"
    restore: Restore | None = None
    acl: str | None = None
    serverSideEncryption: str | None = None  # noqa: N815
    sseKmsKeyId: str | None = None  # noqa: N815
    requestPayer: bool = False  # noqa: N815
    maxConcurrency: int = 20  # noqa: N815
    sourceOwner: str | None = None  # noqa: N815
    destinationOwner: str | None = None  # noqa: N815
    name: str | None = None

    @property
    def has_source_filters(self) -> bool:
        """Whether there is a filter on what only a source object can tell: when it was written, and its class."""
        return bool(self.modifiedAfter or self.modifiedBefore or self.storageClasses)

    @property
    def has_filters(self) -> bool:
        """Whether there is a filter on what a listing says of an object, besides its key."""
        return self.minSize is not None or self.maxSize is not None or self.has_source_filters

    def to_json(self) -> dict[str, Any]:
        """Return plain data for a state."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in LISTS}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Options:
        """Return the options that `to_json` wrote."""
        lists = {name: tuple(data.get(name, ())) for name in LISTS}
        return cls(**{**data, **lists, "restore": _as_restore(data.get("restore"))})


NAMES = tuple(field.name for field in fields(Options))
LISTS = ("include", "exclude", "storageClasses")


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
    if _is_deeper(data, MAX_LEVELS):
        return [f"the input is nested more than {MAX_LEVELS} levels deep; expected options and their values"]
    if not isinstance(data, dict):
        return [f"the input is {quote(data)}; expected an object"]
    shapeless = _shape_problem(data)
    if shapeless:
        return [shapeless]
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


def _shape_problem(data: Mapping[str, Any]) -> str | None:
    """Say what keeps an input from travelling, whatever its options are."""
    if len(json.dumps(data)) > MAX_INPUT_BYTES:
        return f"the input is larger than {MAX_INPUT_BYTES:,} bytes; name prefixes instead of single keys"
    for name in PASSED_OVER:
        try:
            json.dumps(data.get(name), allow_nan=False)
        except ValueError:
            return f'"{name}" has a number that JSON does not know, NaN or Infinity; leave it out'
    return None


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects stand inside of each other so often; asked without going down, which may be far."""
    here = [value]
    for _ in range(levels):
        here = [part for one in here for part in _parts(one)]
    return any(isinstance(one, Mapping | list | tuple) for one in here)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def describe_problems(problems: list[str], spelling: Spelling = JSON) -> str:
    """Return the first problems as a sentence, and what to do."""
    more = f"; and {len(problems) - MAX_PROBLEMS} more" if len(problems) > MAX_PROBLEMS else ""
    said = "; ".join(problems[:MAX_PROBLEMS])
    return f"{said}{more}. Nothing was changed. Start again with, for example, {spelling.example}."


def _with_defaults(known: Mapping[str, Any], defaults: Mapping[str, Any]) -> Options:
    given = {name: value for name, value in defaults.items() if name in NAMES and value is not None}
    values = {**given, **known}
    values.setdefault("destinationPrefix", values.get("prefix", ""))
    for name in LISTS:
        values[name] = tuple(values.get(name, ()))
    return Options(**{**values, "restore": _as_restore(values.get("restore"))})


def _as_restore(value: Mapping[str, Any] | None) -> Restore | None:
    return Restore(value["days"], value["tier"]) if value else None


def _unknown_option(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1) or difflib.get_close_matches(
        name.strip(" :"), NAMES, n=1
    )
    hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(NAMES)}"
    return f"{quote(name)} is not an option ({hint})"


def max_deletes(max_delete: int | str | None, destination_objects: int) -> int | None:
    """Return how many objects `maxDelete` allows: a number, or a share such as "10%" rounded down; None is no limit."""
    if max_delete is None or isinstance(max_delete, int):
        return max_delete
    percent, _, decimals = max_delete.rstrip("%").partition(".")  # exact: a float would allow one too many
    scale: int = 100 * 10 ** len(decimals)
    return destination_objects * int(percent + decimals) // scale


def _contradictions(options: Options, spelling: Spelling) -> list[str]:
    checks = (
        _overlap_problem,
        _encryption_problem,
        _tags_problem,
        _excludes_everything,
        _verify_problem,
        *_FILTERS,
    )
    return [problem for check in checks if (problem := check(options, spelling))]


def _sizes_problem(options: Options, spelling: Spelling) -> str | None:
    return sizes_contradiction(options.minSize, options.maxSize, spelling)


def _moments_problem(options: Options, spelling: Spelling) -> str | None:
    return moments_contradiction(options.modifiedAfter, options.modifiedBefore, spelling)


_FILTERS = (_sizes_problem, _moments_problem)


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


def _verify_problem(options: Options, spelling: Spelling) -> str | None:
    if not (options.verify and options.dryRun):
        return None
    both = f"{spelling.given('verify', True)} and {spelling.given('dryRun', True)}"
    return f"{both}; a dry run changes nothing, so there is nothing to verify: leave one of them out, or use `fab verify`"


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
