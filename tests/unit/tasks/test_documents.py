"""`fab template` and `fab definition`: documents that other tools take, the same every time, without an account."""

from __future__ import annotations

import json
import re
from typing import Any

import boto3
import cfnlint.api
import pytest
import yaml
from cfnlint.config import ManualArgs
from moto import mock_aws
from places import PROJECT
from statelint.linter import Linter

from deployment.build import bundle, definitions, template
from deployment.checks.cfn_lint import _transform
from deployment.checks.statelint import REPORTED_ELSEWHERE, STATELINT_EXEMPTIONS
from deployment.errors import ConfigurationError, StateMachineError
from deployment.project import front_matter, states_language
from deployment.project.settings import Settings
from deployment.tasks.stack import documents
from tests.installations import installed

MACHINE = "sync-buckets-state-machine"
SETTINGS = Settings(stack_name="Nightly", source_buckets=("here",), destination_buckets=("away",))


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    return documents.template_of(PROJECT, SETTINGS)


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return [value] if isinstance(value, str) else []


def deployed_by_fab(bucket: str) -> dict[str, Any]:
    specs = front_matter.read_all(PROJECT / "lambda_functions")
    return template.make(specs, bundle.make_all(specs, PROJECT), SETTINGS, bucket, [MACHINE])


# --- The template -----------------------------------------------------------------------------------------


def test_the_template_is_the_deployed_one_but_for_the_name_of_the_deployment_bucket(built):
    bucket = "nightly-deployment-123456789012-eu-west-1"
    written = "nightly-deployment-${AWS::AccountId}-${AWS::Region}"
    assert (
        json.dumps(built).count(written) == 8
    )  # the zips of seven functions, and what validate_input is told

    def filled(value: Any) -> Any:
        if value == {"Fn::Sub": written}:
            return bucket
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return [filled(item) for item in value] if isinstance(value, list) else value

    def without_hashes(value: Any) -> Any:
        return json.loads(re.sub(r"Version[0-9a-f]{10}", "Version", json.dumps(value)))

    assert without_hashes(filled(built)) == without_hashes(deployed_by_fab(bucket))


def test_a_text_beside_the_bucket_keeps_its_own_variables():
    found = documents._substitute({"a": "x-${AWS::Region}/${aws:username}", "b": ["y"]}, "x-${AWS::Region}")
    assert found == {"a": {"Fn::Sub": "x-${AWS::Region}/${!aws:username}"}, "b": ["y"]}


def test_the_template_says_nothing_about_an_account(built):
    assert [text for text in texts_in(built) if re.search(r"\b\d{12}\b", text)] == []


def test_sam_and_cfn_lint_find_nothing_wrong_with_the_template(built):
    plain, refusals = _transform(yaml.safe_load(documents.as_yaml(built)), "eu-west-1")
    assert refusals == []
    for document in (plain, built):
        found = cfnlint.api.lint(json.dumps(document), config=ManualArgs(regions=["eu-west-1"]))
        assert [f"{match.rule.id} {match.message}" for match in found] == []


def test_the_zips_stay_in_the_bucket_of_the_account(built):
    plain, _ = _transform(built, "eu-west-1")
    assert plain["Resources"]["CopyKeys"]["Properties"]["Code"]["S3Bucket"] == {
        "Fn::Sub": "nightly-deployment-${AWS::AccountId}-${AWS::Region}"
    }


def test_yaml_and_json_hold_the_same_and_never_change(built):
    written = documents.as_yaml(built)
    assert yaml.safe_load(written) == json.loads(documents.as_json(built)) == built
    assert written == documents.as_yaml(documents.template_of(PROJECT, SETTINGS))
    assert written.isascii() and documents.as_json(built).isascii()
    assert not re.search(r"[:-] [&*!]\w", written)  # neither anchors nor short tags


# --- The definition ---------------------------------------------------------------------------------------


def test_a_definition_has_a_placeholder_for_every_lambda_and_for_what_only_the_stack_knows():
    text = json.dumps(documents.definition_of(PROJECT, SETTINGS))
    lambdas = {spec.logical_id for spec in front_matter.read_all(PROJECT / "lambda_functions")}
    assert set(re.findall(r"\$\{(\w+)\}", text)) == lambdas | {"WorkBucket", "Partition"}


def substituted(definition: dict[str, Any]) -> dict[str, Any]:
    """What CloudFormation makes of it with `DefinitionSubstitutions`."""
    values = definitions.placeholder_values(SETTINGS, "work", "aws")
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:"
    text = re.sub(
        r"\$\{(\w+)\}", lambda match: values.get(match[1], f"{arn}{match[1]}:1"), json.dumps(definition)
    )
    filled: dict[str, Any] = json.loads(text)
    return filled


def test_a_definition_with_its_placeholders_filled_is_what_fab_creates_and_statelint_takes():
    (spec,) = states_language.read_all(PROJECT / "state_machines")
    specs = front_matter.read_all(PROJECT / "lambda_functions")
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:"
    versions = {one.name: f"{arn}{one.logical_id}:1" for one in specs}
    values = definitions.placeholder_values(SETTINGS, "work", "aws")
    filled = substituted(documents.definition_of(PROJECT, SETTINGS))
    assert filled == definitions.render(spec, versions, values)
    found = [
        message
        for message in Linter.validate(filled)
        if not any(pattern.fullmatch(message) for pattern in (*STATELINT_EXEMPTIONS, *REPORTED_ELSEWHERE))
    ]
    assert found == []


@pytest.mark.parametrize(("limit", "number"), [(None, 40), (7, 7)])
def test_the_concurrency_is_a_number_that_of_the_settings_if_there_is_one(limit, number):
    found = documents.definition_of(PROJECT, Settings(max_concurrency=limit))
    assert found["States"]["ValidateInput"]["Parameters"]["defaults"]["maxConcurrency"] == number


def test_a_machine_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        documents.definition_of(PROJECT, SETTINGS, "sync")
    assert str(caught.value) == f"--name is sync: expected one of {MACHINE}"
    for name in ("one", "two"):
        (tmp_path / "state_machines").mkdir(exist_ok=True)
        (tmp_path / "state_machines" / f"{name}.yaml").write_text("StartAt: A\nStates: {}\n")
    with pytest.raises(ConfigurationError) as caught:
        documents.deployed_definition(installed(SETTINGS), tmp_path)
    assert str(caught.value) == "--name is missing: expected one of one, two"


# --- What is deployed -------------------------------------------------------------------------------------


def test_the_deployed_definition_is_that_of_the_newest_machine():
    with mock_aws():
        session = boto3.Session(region_name="eu-west-1")
        installation = installed(SETTINGS, session=session)
        with pytest.raises(StateMachineError) as caught:
            documents.deployed_definition(installation, PROJECT)
        assert str(caught.value) == (
            f"There is no state machine {MACHINE} in account 123456789012, region eu-west-1. Run `fab` first."
        )
        for comment, second in (("new", "30"), ("old", "10")):
            session.client("stepfunctions").create_state_machine(
                name=f"{MACHINE}-20261122-1011{second}",
                definition=json.dumps({"Comment": comment, "StartAt": "A", "States": {}}),
                roleArn="arn:aws:iam::123456789012:role/machine",
                tags=[{"key": "syncbuckets:stack", "value": "Nightly"}],
            )
        assert documents.deployed_definition(installation, PROJECT)["Comment"] == "new"
