"""Every option of the input is a flag, and what is typed becomes the value that the input has."""

from __future__ import annotations

import re
from typing import Any, get_type_hints

import pytest
from invoke.collection import Collection
from places import PROJECT

import fabfile
from deployment.command_line.sync_flags import (
    COMPARING,
    FLAGS,
    GRANTED,
    Kind,
    given_options,
    in_flags,
    parameters,
)
from deployment.errors import ConfigurationError
from lambda_functions.shared.option_rules import Restore
from lambda_functions.shared.options import NAMES, Options

KINDS: dict[Any, Kind] = {
    bool: Kind.SWITCH,
    bool | str: Kind.SWITCH_OR_TEXT,
    tuple[str, ...]: Kind.PATTERNS,
    int: Kind.NUMBER,
    int | None: Kind.NUMBER,
    int | str | None: Kind.NUMBER,
    Restore | None: Kind.PAIRS,
    float | None: Kind.AMOUNT,
}


def test_every_option_of_the_input_has_its_flag_and_there_are_no_others() -> None:
    assert [flag.option for flag in FLAGS] == list(NAMES)


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.option)
def test_a_flag_takes_what_its_option_is(flag: Any) -> None:
    kind = KINDS.get(get_type_hints(Options)[flag.option], Kind.TEXT)
    assert flag.kind is (Kind.WORDS if flag.option == "storageClasses" else kind)
    assert flag.help.endswith(".") and bool(flag.no_help) is flag.has_opposite


def test_the_task_has_every_flag() -> None:
    taken = set(Collection.from_module(fabfile)["sync"].argspec(fabfile.sync.body).parameters)
    assert taken == {parameter.name for parameter in parameters()} | {"input", "json", "list", "wait", "ask"}


def test_a_verification_has_the_flags_that_say_what_is_compared() -> None:
    taken = set(Collection.from_module(fabfile)["verify"].argspec(fabfile.verify.body).parameters)
    changing = {"dryRun", "verify", "maxDelete", "maxCostUsd", "allowEmptySource", "unprovable", "copyTags"}
    changing |= {"storageClass", "acl", "serverSideEncryption", "sseKmsKeyId", "overwrite", "name"}
    changing |= {"objectLock", "annotations", "restore"}
    expected = [flag for flag in FLAGS if flag.option not in changing]
    assert list(COMPARING) == expected
    assert taken == {parameter.name for parameter in parameters(expected)} | {"deep", "input", "json", "list"}


def test_the_policies_have_the_flags_that_change_what_is_asked_of_the_owners() -> None:
    taken = set(Collection.from_module(fabfile)["policies"].argspec(fabfile.policies.body).parameters)
    own = {"source_account", "destination_account", "source_kms_key", "destination_kms_key", "json"}
    assert taken == {parameter.name for parameter in parameters(GRANTED)} | own


def test_the_page_of_the_input_names_the_flag_of_every_option() -> None:
    page = (PROJECT / "docs" / "input.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`(\w+)`\].* \| ([^|]*) \|$", page, re.MULTILINE)
    shown = {
        flag.option: f"`--[no-]{flag.typed[2:]}`" if flag.kind is Kind.SWITCH else f"`{flag.typed}`"
        for flag in FLAGS
    }
    shown["compareMetadata"] += ", `--no-compare-metadata`"
    shown["overwrite"] += ", `--no-overwrite`"
    assert dict(rows) == shown


@pytest.mark.parametrize(
    "typed, options",
    [
        ({}, {}),
        ({"source": "abc", "json": True}, {"source": "abc"}),
        ({"prefix": "", "destination_prefix": "x"}, {"prefix": "", "destinationPrefix": "x"}),
        ({"max_delete": "007"}, {"maxDelete": 7}),
        ({"max_delete": "10%", "max_concurrency": "5"}, {"maxDelete": "10%", "maxConcurrency": 5}),
        ({"max_delete": "ten", "max_concurrency": "٣"}, {"maxDelete": "ten", "maxConcurrency": "٣"}),
        ({"max_delete": "9" * 5000}, {"maxDelete": "9" * 5000}),
        ({"max_cost_usd": "20"}, {"maxCostUsd": 20}),
        ({"max_cost_usd": "0.5"}, {"maxCostUsd": 0.5}),
        ({"max_cost_usd": "$5"}, {"maxCostUsd": "$5"}),
        ({"max_cost_usd": "1e3"}, {"maxCostUsd": "1e3"}),
        ({"max_cost_usd": "9" * 5000}, {"maxCostUsd": "9" * 5000}),
        ({"include": ["*.a", "*.b"], "exclude": []}, {"include": ["*.a", "*.b"]}),
        ({"delete": True}, {"delete": True}),
        ({"no_delete": True, "no_copy_tags": True}, {"delete": False, "copyTags": False}),
        ({"no_dry_run": True}, {"dryRun": False}),
        ({"compare_metadata": "all"}, {"compareMetadata": "all"}),
        ({"compare_metadata": "true"}, {"compareMetadata": True}),
        ({"compare_metadata": "false"}, {"compareMetadata": False}),
        ({"no_compare_metadata": True}, {"compareMetadata": False}),
        ({"restore": "days=7,tier=Bulk"}, {"restore": {"days": 7, "tier": "Bulk"}}),
        ({"restore": "tier=Bulk"}, {"restore": {"tier": "Bulk"}}),
        ({"restore": "days=٣,tier="}, {"restore": {"days": "٣", "tier": ""}}),
        ({"restore": "7"}, {"restore": "7"}),
        ({"object_lock": "copy", "annotations": "none"}, {"objectLock": "copy", "annotations": "none"}),
        ({"overwrite": "newer"}, {"overwrite": "newer"}),
        ({"overwrite": "true"}, {"overwrite": True}),
        ({"overwrite": "never"}, {"overwrite": "never"}),
        ({"no_overwrite": True}, {"overwrite": False}),
        ({"min_size": "0", "max_size": "1e3"}, {"minSize": 0, "maxSize": "1e3"}),
        ({"storage_classes": ["STANDARD,GLACIER"]}, {"storageClasses": ["STANDARD", "GLACIER"]}),
        ({"storage_classes": ["STANDARD", "GLACIER,"]}, {"storageClasses": ["STANDARD", "GLACIER", ""]}),
        ({"storage_classes": []}, {}),
    ],
)
def test_only_what_was_typed_reaches_the_input(typed: dict[str, Any], options: dict[str, Any]) -> None:
    switches = {parameter.name: parameter.default for parameter in parameters()}
    assert given_options({**switches, **typed}) == options


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.has_opposite], ids=lambda flag: flag.option)
def test_a_flag_and_its_opposite_contradict_each_other(flag: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        given_options({flag.parameter: True, f"no_{flag.parameter}": True})

    assert str(caught.value) == f"{flag.typed} and {flag.opposite} are given; expected one of them."


@pytest.mark.parametrize(
    "text, said",
    [
        (
            'x would be deleted; maxDelete allows 0 (0, of 1 in scope). If it is right, start again with "maxDelete": 7.',
            "x would be deleted; --max-delete allows 0 (0, of 1 in scope). If it is right, start again with --max-delete 7.",
        ),
        (
            '$20.02; maxCostUsd allows $5.00. If it is worth that, start again with "maxCostUsd": 21.03.',
            "$20.02; --max-cost-usd allows $5.00. If it is worth that, start again with --max-cost-usd 21.03.",
        ),
        ('start again with "maxDelete": "100%".', 'start again with --max-delete "100%".'),
        ('start again with "allowEmptySource": true.', "start again with --allow-empty-source."),
        (
            'after prefix, startAfter and filters; "delete": false',
            "after prefix, --start-after and filters; --no-delete",
        ),
        ('and "prefix": "a/b" for what is under it', 'and --prefix "a/b" for what is under it'),
        ('"source" is missing', "--source is missing"),
        (
            "serverSideEncryption holds for what is copied",
            "--server-side-encryption holds for what is copied",
        ),
        (
            'the key a/maxDelete/b and "maxDelete.txt", maxDeletes',
            'the key a/maxDelete/b and "maxDelete.txt", maxDeletes',
        ),
        (
            "the source has what the destination must include",
            "the source has what the destination must include",
        ),
        ("", ""),
    ],
)
def test_what_a_run_says_about_its_options_is_told_in_flags(text: str, said: str) -> None:
    assert in_flags(text) == said


def test_where_nobody_has_typed_a_flag_the_place_is_told_that_its_value_came_from() -> None:
    text = 'maxDelete allows 0 (10%); maxCostUsd too. If it is right, start again with "maxDelete": 7.'
    assert in_flags(text, {"maxDelete": "\"maxDelete\" of SYNCS['photos']"}) == (
        "\"maxDelete\" of SYNCS['photos'] allows 0 (10%); --max-cost-usd too. If it is right, start again with --max-delete 7."
    )


def test_what_the_guards_of_a_run_advise_is_a_flag_here() -> None:
    source = (PROJECT / "lambda_functions" / "shared" / "tally" / "refusals.py").read_text(encoding="utf-8")
    advised = re.findall(r'"(\w+)": (?:true|\{|")', source[source.index("def refusal") :])
    assert set(advised) == {"allowEmptySource", "maxDelete", "maxCostUsd"}
    assert [name for name in advised if '"' in in_flags(f'start again with "{name}": true.')] == []
