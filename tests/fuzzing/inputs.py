"""The input of an execution, by every way in: the console, a file or flags of `fab sync`, an entry of SYNCS."""

from __future__ import annotations

import copy
import io
import json
import random
from datetime import UTC, datetime
from typing import Any

from deployment.command_line import sync_flags
from deployment.command_line.sync_flags import EVERY_FLAG, FLAGS, Kind
from deployment.errors import ConfigurationError
from deployment.syncs import entries
from deployment.tasks.runs import sync_input
from lambda_functions.shared import options
from lambda_functions.shared.errors import Refused
from lambda_functions.shared.plan_input import names_plan
from lambda_functions.shared.run import Run, option_warnings, scope_filter, source_filter
from lambda_functions.shared.s3.list_page import Entry

from .mutating import NASTY, changed_json, changed_text, deep, text_of, value_of
from .promises import require_clear, same_json
from .running import Target

DEFAULTS = {"maxConcurrency": 20, "maxDelete": None}
EXECUTION = {"id": "arn:e", "name": "e", "startTime": "2026-11-28T14:00:00Z", "stateMachine": "m"}
BUCKETS = {"source": "my-source", "destination": "my-destination"}
DIGEST = "0123456789abcdef" * 4
# Of each option some values that are right, of which a sample takes a few.
RIGHT: dict[str, list[Any]] = {
    "prefix": ["", "photos/", "一/\U0010ffff"],
    "destinationPrefix": ["", "copy/"],
    "startAfter": ["a", "\ud7ff\ue000"],
    "include": [["*.jpg"], ["[a-z]*", "é?", "[!a]", "[]"]],
    "exclude": [["tmp/*"], ["*.log", "[["]],
    "minSize": [0, 1, 2**40],
    "maxSize": [10**6, 2**60],
    "modifiedAfter": ["2025-11-28T14:00:00Z", "0001-01-01T00:00:00+23:59"],
    "modifiedBefore": ["2026-12-31T23:59:60Z", "9999-12-31t23:59:59.999999999-23:59"],
    "storageClasses": [["STANDARD"], ["GLACIER", "DEEP_ARCHIVE"]],
    "overwrite": [True, False, "newer"],
    "delete": [True, False],
    "maxDelete": [0, 1000, "10%", "0.01%", "100.0%"],
    "maxCostUsd": [20, 0.5],
    "allowEmptySource": [True],
    "dryRun": [True, False],
    "verify": [True, False],
    "compareMetadata": [True, False, "all"],
    "compareTags": [False, True],
    "copyTags": [True],
    "unprovable": ["copy", "keep"],
    "storageClass": ["source", "GLACIER_IR"],
    "objectLock": ["none", "copy"],
    "annotations": ["copy"],
    "restore": [{"days": 7, "tier": "Bulk"}],
    "acl": ["bucket-owner-full-control"],
    "serverSideEncryption": ["aws:kms", "AES256"],
    "sseKmsKeyId": ["alias/key"],
    "requestPayer": [True],
    "maxConcurrency": [1, 10_000],
    "sourceOwner": ["111122223333"],
    "destinationOwner": ["000000000000"],
    "name": ["nightly", "a" * 64],
    "Comment": ["a remark", {"a": [1]}],
}
PLAN = {"plan": "machine-20261128-140000/e", "planDigest": DIGEST, "maxConcurrency": 40}
NAMES = [*options.NAMES, *PLAN, "Comment", "Source", "dryrun", "exlude", "schedule", "timezone", ""]
SCHEDULES = [
    "rate(5 minutes)",
    "cron(0 3 * * ? *)",
    "at(2030-01-01T00:00:00)",
    "cron(0 3 ? * MON#1 2030-2040)",
]


def sample(chance: random.Random) -> dict[str, Any]:
    """Return an input of which each option alone is right."""
    if chance.random() < 0.05:
        return dict(PLAN)
    chosen = chance.sample(list(RIGHT), chance.randint(0, 5))
    return BUCKETS | {name: copy.deepcopy(chance.choice(RIGHT[name])) for name in chosen}


def draw_input(chance: random.Random) -> Any:
    if chance.random() < 0.02:
        return value_of(chance)
    if chance.random() < 0.01:
        return sample(chance) | {
            chance.choice(NAMES): deep(chance.randint(300, 1100), chance.choice([list, dict]))
        }
    return changed_json(chance, sample(chance), chance.choice([0, 1, 1, 2, 4]), NAMES)


def accepts_input(value: Any) -> bool:
    """Whether the first Lambda accepts an input, whose options then travel unchanged and can be worked with."""
    try:
        options.require_valid(value, DEFAULTS)
    except Refused as refused:
        assert refused.error == "InvalidInput"
        require_clear(refused.cause, "Nothing was changed.")
        refused.cause.encode()
        return False
    json.dumps(value, allow_nan=False)
    if not names_plan(value):
        _travels(options.parse(value, DEFAULTS))
    return True


def _travels(parsed: options.Options) -> None:
    assert options.Options.from_json(json.loads(json.dumps(parsed.to_json(), allow_nan=False))) == parsed
    run = Run.of(EXECUTION, parsed, ("eu-west-1", None))
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run
    assert isinstance(scope_filter(parsed)("some/key\n\U0010ffff"), bool)
    is_left_out = source_filter(parsed)
    found = Entry("a", "e", 5, datetime(2026, 11, 28, tzinfo=UTC), "GLACIER")
    assert is_left_out is None or isinstance(is_left_out(found), bool)
    most = options.max_deletes(parsed.maxDelete, 1000)
    assert (
        most is None or (isinstance(parsed.maxDelete, str) and 0 <= most <= 1000) or most == parsed.maxDelete
    )
    for warning in option_warnings(parsed):
        require_clear(warning)


def draw_file(chance: random.Random) -> str:
    if chance.random() < 0.01:
        levels = chance.randint(10, 2000)
        return f'{{"source": {"[" * levels}{"]" * levels}}}'
    if chance.random() < 0.005:
        return f'{{"source": "a", "maxSize": {"9" * chance.choice([999, 1001, 4300, 5000])}}}'
    value = changed_json(chance, sample(chance), chance.choice([0, 1, 1, 2]), NAMES)
    text = json.dumps(value, indent=chance.choice([None, 2]), ensure_ascii=chance.random() < 0.5)
    return text if chance.random() < 0.5 else changed_text(chance, text, chance.randint(1, 3))


def accepts_file(text: str) -> bool:
    """Whether `fab sync --input` accepts a file: exactly what the first Lambda accepts of what can be read."""
    try:
        given = sync_input.read({}, "-", io.StringIO(text))
    except ConfigurationError as error:
        require_clear(str(error))
        is_right = _read(text) is not None and accepts_input(_read(text))
        assert not is_right, "`fab sync` refuses what a run accepts"
        return False
    assert same_json(given, json.loads(text.removeprefix("\ufeff")))
    json.dumps(given, allow_nan=False)
    assert accepts_input(given), "what `fab sync` starts is refused by the run"
    return True


def _read(text: str) -> Any:
    """Return the value of strict JSON without repeated names, None for what is none."""

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("repeated")
        return dict(pairs)

    def refuse(_: str) -> None:
        raise ValueError("no JSON")

    try:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=each_once, parse_constant=refuse)
    except (ValueError, RecursionError):
        return None


def draw_flags(chance: random.Random) -> dict[str, Any]:
    """Return what was typed, by parameter: mostly the flags of an input that is right, some with other texts."""
    typed: dict[str, Any] = {}
    for option, value in sample(chance).items():
        flag = sync_flags.BY_OPTION.get(option)
        if flag:
            typed |= _typed(flag, value)
    for name in chance.sample(list(typed), min(len(typed), chance.choice([0, 1, 1, 2]))):
        if isinstance(typed[name], str):
            typed[name] = changed_text(chance, typed[name], 1)
        elif isinstance(typed[name], list):
            typed[name] = [*typed[name], text_of(chance, 2)]
        else:
            typed[f"no_{name}"] = chance.choice([True, False])
    if chance.random() < 0.2:
        flag = chance.choice(EVERY_FLAG)
        typed[flag.parameter] = (
            [text_of(chance)] if flag.kind in (Kind.PATTERNS, Kind.WORDS) else chance.choice(NASTY)
        )
    return typed


def _typed(flag: sync_flags.OptionFlag, value: Any) -> dict[str, Any]:
    if value is False and flag.has_opposite:
        return {f"no_{flag.parameter}": True}
    if isinstance(value, dict):
        return {flag.parameter: sync_flags.typed_pairs(value)}
    if isinstance(value, bool):
        return {flag.parameter: True if flag.kind is Kind.SWITCH else "true"}
    return {flag.parameter: value if isinstance(value, list) else str(value)}


def accepts_flags(typed: dict[str, Any]) -> bool:
    """Whether `fab sync` accepts flags; a run then accepts what it is started with, which is what was typed."""
    try:
        given = sync_input.read(sync_flags.given_options(typed))
    except ConfigurationError as error:
        require_clear(str(error))
        return False
    assert accepts_input(given), "what `fab sync` starts is refused by the run"
    for flag in FLAGS:
        if flag.option not in ("source", "destination", "prefix", "destinationPrefix") and typed.get(
            flag.parameter
        ):
            assert flag.option in given, f"{flag.typed} is dropped"
    return True


def draw_entry(chance: random.Random) -> dict[str, Any]:
    entry = sample(chance)
    entry.pop("name", None)
    if chance.random() < 0.5:
        entry["schedule"] = chance.choice(SCHEDULES)
    if chance.random() < 0.2:
        entry["timezone"] = chance.choice(["Europe/Berlin", "UTC"])
    entry = changed_json(chance, entry, chance.choice([0, 1, 1, 2]), NAMES)
    name = "photos" if chance.random() < 0.9 else text_of(chance, 2)
    return {name: entry}


def accepts_entry(value: Any) -> bool:
    """Whether SYNCS accepts an entry; a run then accepts its input, and what only the entry has is its schedule."""
    try:
        found = entries.read(value)
    except entries.WrongEntries as wrong:
        for _, sentence in wrong.found:
            require_clear(sentence)
        return False
    except ValueError as error:
        require_clear(str(error), "expected")
        return False
    for sync in found:
        assert accepts_input(json.loads(json.dumps(sync.input))), (
            "what a schedule starts is refused by the run"
        )
        kept = {key: part for key, part in value[sync.name].items() if key not in entries.OF_A_SCHEDULE}
        assert same_json({**kept, "name": sync.name}, dict(sync.input))
    return True


TARGETS = (
    Target("input", draw_input, accepts_input),
    Target("input_file", draw_file, accepts_file),
    Target("sync_flags", draw_flags, accepts_flags),
    Target("syncs", draw_entry, accepts_entry),
)
