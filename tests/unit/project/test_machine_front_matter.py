"""The front matter of a state machine: what it may say, where it is wrong, and what a deployment makes of it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from deployment.build import definitions, machine_role, template
from deployment.errors import StateMachineError
from deployment.project import states_language
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec
from deployment.step_functions import state_machines

MACHINE = "StartAt: Say\nStates:\n  Say:\n    Type: Pass\n    Result: %s\n    End: true\n"
TOPIC = {"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:done"}


def read(folder: Path, block: str, result: str = "hello") -> MachineSpec:
    path = folder / "say_it.yaml"
    path.write_text(f"---\n{dedent(block)}---\n{MACHINE % result}", encoding="utf-8")
    return states_language.read(path)


def mistakes(folder: Path, block: str) -> list[str]:
    with pytest.raises(StateMachineError) as caught:
        read(folder, block)
    return str(caught.value).replace(f"{folder.name}/say_it.yaml:", "").split("\n")


def built(*machines: MachineSpec) -> dict[str, Any]:
    return template.make([], [], Settings(), "zips", [machine.name for machine in machines], machines)


def role_of(whole: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = whole["Resources"]["StateMachineRole"]["Properties"]
    return properties


def test_policies_tags_and_substitutions_stand_above_the_definition(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        """\
        Policies:
          - {Effect: Allow, Action: sns:Publish, Resource: !Sub "arn:${AWS::Partition}:sns:*:*:done"}
        Tags: {team: data, cost: 12, kept: true}
        DefinitionSubstitutions: {Word: hi, Times: 3}
        """,
        "${Word} ${Times}",
    )

    assert spec.definition["States"]["Say"]["Result"] == "${Word} ${Times}"
    assert definitions.render(spec, {}, {})["States"]["Say"]["Result"] == "hi 3"
    assert state_machines.own_tags(spec) == {"team": "data", "cost": "12", "kept": "true"}
    assert spec.places[("Tags",)] == 4
    assert spec.places[("States", "Say")] == 9


@pytest.mark.parametrize("text", ["---\n", "# A comment\n---\n", "---\n# Nothing but\n", ""])
def test_a_file_without_a_second_line_of_dashes_is_one_document(tmp_path: Path, text: str) -> None:
    path = tmp_path / "say_it.yaml"
    path.write_text(text + MACHINE % "hello", encoding="utf-8")

    assert states_language.read(path).properties == {}
    assert states_language.read(path).definition["StartAt"] == "Say"


def test_comments_may_stand_above_the_block(tmp_path: Path) -> None:
    path = tmp_path / "say_it.yaml"
    path.write_text(f"# Says it\n\n---\nTags: {{a: b}}\n---  \n{MACHINE % 'hello'}", encoding="utf-8")

    assert states_language.read(path).properties == {"Tags": {"a": "b"}}


def test_the_block_may_be_written_as_that_of_a_lambda(tmp_path: Path) -> None:
    path = tmp_path / "say_it.yaml"
    path.write_text(f"# ---\n# Tags:\n#   a: [b]\n#\n# ---\n{MACHINE % 'hello'}", encoding="utf-8")
    spec, (problem,) = states_language.examine(path)

    assert spec and spec.definition["StartAt"] == "Say"
    assert (problem.line, problem.message) == (
        2,
        "Tags: a is ['b']: expected text, a number, or true or false",
    )


@pytest.mark.parametrize("comment", ["# ---\n# Tags say nothing\n# ---\n", "# ---\n# Tags: of a comment\n"])
def test_any_other_comment_is_none(tmp_path: Path, comment: str) -> None:
    path = tmp_path / "say_it.yaml"
    path.write_text(comment + MACHINE % "hello", encoding="utf-8")

    assert states_language.read(path).properties == {}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            "Polices: []\n",
            "2: Polices is not a property of a state machine: expected DefinitionSubstitutions, Policies, Tags. "
            "Did you mean Policies?",
        ),
        ("Name: x\n", "2: Name cannot be set here: it is made from the name of this file"),
        ("Tags: [a]\n", "2: Tags is ['a']: expected a mapping"),
        ("Tags:\n  a: [b]\n", "2: Tags: a is ['b']: expected text, a number, or true or false"),
        ("# nothing\n", "1: the front matter holds nothing: expected properties, such as 'Policies:'"),
        ("Tags: {a: b\n", "2: this is not YAML: "),
        (
            "Policies:\n  - Version: 2012-10-17\n    Statement:\n",
            "3: Policies has the statement None: expected a mapping with Effect and Action",
        ),
        (
            "Policies:\n  - S3ReadPolicy: {BucketName: x}\n",
            "3: Policies has S3ReadPolicy: expected statements, a document, or the name of a managed policy",
        ),
        (
            "Policies: [5]\n",
            "2: Policies has 5: expected statements, a document, or the name of a managed policy",
        ),
        (
            "DefinitionSubstitutions:\n  1a b: c\n",
            "3: '1a b' cannot be a placeholder: expected letters, digits and _.- after a letter",
        ),
        (
            "Policies:\n  - Effect: Allow\n    Action: s3:GetObject\n    Resource: ${SourceObject}\n",
            "5: ${SourceObject} is not known. Did you mean ${SourceObjects}?",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line(tmp_path: Path, block: str, expected: str) -> None:
    (found,) = mistakes(tmp_path, block)
    assert found.startswith(expected)


def test_mistakes_of_both_halves_are_reported_together(tmp_path: Path) -> None:
    path = tmp_path / "say_it.yaml"
    path.write_text("---\nTag: {}\n---\nStartAt: a\nStartAt: b\n", encoding="utf-8")
    with pytest.raises(StateMachineError) as caught:
        states_language.read(path)
    assert [line.split(":")[1] for line in str(caught.value).split("\n")] == ["2", "5"]


def test_policies_extend_the_role_and_change_nothing_where_there_are_none(tmp_path: Path) -> None:
    plain = read(tmp_path, "Tags: {a: b}\n")
    (base,) = role_of(built(plain))["Policies"]
    spec = read(
        tmp_path,
        """\
        Policies:
          - AmazonSNSReadOnlyAccess
          - arn:aws:iam::123456789012:policy/ours
          - !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/theirs
          - Statement: {Effect: Allow, Action: s3:GetObject, Resource: ["${DeploymentBucket}"]}
          - {Effect: Allow, Action: sns:Publish, Resource: "*"}
        """,
    )
    role = role_of(built(spec))

    assert role["Policies"] == [
        base,
        {
            "PolicyName": "say-it-0",
            "PolicyDocument": {
                "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["zips"]}]
            },
        },
        {
            "PolicyName": "say-it-1",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}],
            },
        },
    ]
    assert role["ManagedPolicyArns"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonSNSReadOnlyAccess"},
        "arn:aws:iam::123456789012:policy/ours",
        {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/theirs"},
    ]


def test_what_cloudformation_computes_is_an_output_of_the_stack(tmp_path: Path) -> None:
    spec = read(tmp_path, f"DefinitionSubstitutions: {{Topic: !Sub '{TOPIC['Fn::Sub']}'}}\n", "${Topic}")
    name = machine_role.output_name("say-it", "Topic", TOPIC)

    assert built(spec)["Outputs"][name] == {"Value": TOPIC}
    assert name != machine_role.output_name("say-it", "Topic", {"Ref": "Other"})
    assert definitions.render(spec, {}, {})["States"]["Say"]["Result"] == "${Topic}"
    assert definitions.render(spec, {}, {"Topic": "arn:x"})["States"]["Say"]["Result"] == "arn:x"


def test_a_placeholder_of_the_deployment_is_not_defined_again(tmp_path: Path) -> None:
    spec = read(tmp_path, "DefinitionSubstitutions: {WorkBucket: mine}\n", "${WorkBucket}")
    assert list(definitions.mistakes(spec, [], {"WorkBucket": "x"})) == [
        (
            ("DefinitionSubstitutions", "WorkBucket"),
            "WorkBucket is a placeholder of the deployment already; rename it",
        )
    ]


def test_built_in_placeholders_are_those_that_have_values() -> None:
    assert definitions.placeholder_values(Settings(), "", "").keys() == definitions.BUILT_IN


def test_own_tags_make_another_machine_and_no_tags_the_same() -> None:
    plain = definitions.fingerprint({"a": 1}, "role")
    assert definitions.fingerprint({"a": 1}, "role", {}) == plain
    assert definitions.fingerprint({"a": 1}, "role", {"team": "data"}) != plain


@pytest.mark.parametrize(
    ("written", "rendered"),
    [
        ("${!HOME}", "${HOME}"),
        ("a ${!b} ${Word}", "a ${b} hi"),
        ("'{% ${\"total\": $sum(price)} %}'", '{% ${"total": $sum(price)} %}'),
        ("'{% \"${Word}\" %}'", '{% "hi" %}'),
    ],
)
def test_a_literal_dollar_brace_has_an_escape(tmp_path: Path, written: str, rendered: str) -> None:
    spec = read(tmp_path, "DefinitionSubstitutions: {Word: hi}\n", written)
    assert list(definitions.mistakes(spec, [], [])) == []
    assert definitions.render(spec, {}, {})["States"]["Say"]["Result"] == rendered
