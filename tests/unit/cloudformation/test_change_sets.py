"""When a change set is not even made: only where it would certainly be empty."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.cloudformation import change_sets, stack
from deployment.errors import StackError
from deployment.project.settings import Settings
from tests.deployed_stack import SETTINGS, TAGS, TEMPLATE, Deployed
from tests.fake_cloudformation import STACK_ID, STACK_NAME, refusal
from tests.recording_console import RecordingConsole
from tests.stacks import deploy_with, installed_with


def deploy(fake: Deployed, settings: Settings = SETTINGS, template: Any = TEMPLATE) -> list[str]:
    """Deploy; return the names of the calls that are not mere questions about the stack."""
    deploy_with(installed_with(fake, settings), template, RecordingConsole())  # type: ignore[arg-type]
    return fake.called()


def test_the_same_template_and_tags_need_no_change_set() -> None:
    fake = Deployed()

    assert deploy(fake) == ["get_template"]
    assert fake.calls == [("get_template", {"StackName": STACK_ID, "TemplateStage": "Original"})]


def test_tags_of_aws_and_the_order_of_keys_make_no_difference() -> None:
    fake = Deployed({"Resources": {"WorkBucket": {"Properties": {"Flag": True}, "Type": "AWS::S3::Bucket"}}})
    fake.tags = [{"Key": "aws:servicecatalog:x", "Value": "1"}, *TAGS[::-1]]

    assert deploy(fake) == ["get_template"]


@pytest.mark.parametrize(
    ("fake", "template"),
    [
        (Deployed({"Resources": {}}), TEMPLATE),
        (
            Deployed({"Resources": {"WorkBucket": {"Type": "AWS::S3::Bucket", "Properties": {"Flag": 1}}}}),
            TEMPLATE,
        ),
        (Deployed("Resources: {}"), TEMPLATE),
        (Deployed(refusal("GetTemplate", "AccessDenied", "no")), TEMPLATE),
        (Deployed(status="UPDATE_ROLLBACK_COMPLETE"), TEMPLATE),
        (Deployed(status="IMPORT_COMPLETE"), TEMPLATE),
        (Deployed(Parameters=[{"ParameterKey": "A"}]), TEMPLATE),
        (Deployed(TEMPLATE | {"Parameters": {"A": {}}}), TEMPLATE | {"Parameters": {"A": {}}}),
        (Deployed({"A": "{{resolve:ssm:/x}}"}), {"A": "{{resolve:ssm:/x}}"}),
        (Deployed({"A": {"Fn::ImportValue": "x"}}), {"A": {"Fn::ImportValue": "x"}}),
        (Deployed({"A": {"Fn::Transform": {}}}), {"A": {"Fn::Transform": {}}}),
    ],
    ids=[
        "another template",
        "a number that Python takes for True",
        "a template that is no JSON",
        "a template that may not be read",
        "after a rollback",
        "after an import",
        "a stack with parameters",
        "a template with parameters",
        "a dynamic reference",
        "an import of another stack's output",
        "a macro",
    ],
)
def test_whenever_it_is_not_certain_a_change_set_decides(fake: Deployed, template: Any) -> None:
    called = deploy(fake, template=template)

    assert [name for name in called if name != "get_template"] == ["create_change_set", "delete_change_set"]


@pytest.mark.parametrize(
    "tags", [TAGS[1:], [*TAGS, {"Key": "more", "Value": "x"}], [{"Key": "team", "Value": "x"}, TAGS[1]]]
)
def test_other_tags_need_a_change_set(tags: list[dict[str, str]]) -> None:
    fake = Deployed()
    fake.tags = tags

    assert deploy(fake) == ["create_change_set", "delete_change_set"]


def test_a_refusal_for_another_reason_than_permissions_is_not_swallowed() -> None:
    with pytest.raises(ClientError):
        deploy(Deployed(refusal("GetTemplate", "InternalFailure", "no")))


@pytest.mark.parametrize(("present", "wanted"), [(False, True), (True, False)])
def test_termination_protection_is_switched_also_when_nothing_else_is_to_do(
    present: bool, wanted: bool
) -> None:
    fake = Deployed(EnableTerminationProtection=present)
    settings = Settings(stack_name=STACK_NAME, tags={"team": "storage"}, termination_protection=wanted)

    assert deploy(fake, settings) == ["get_template", "update_termination_protection"]
    assert fake.calls[1][1] == {"StackName": STACK_ID, "EnableTerminationProtection": wanted}
    assert deploy(fake, settings) == ["get_template", "update_termination_protection", "get_template"]


def test_a_protected_stack_is_not_deleted_and_says_what_to_do() -> None:
    fake = Deployed(EnableTerminationProtection=True)

    with pytest.raises(StackError) as caught:
        stack.delete(installed_with(fake), RecordingConsole())  # type: ignore[arg-type]

    assert str(caught.value) == (
        "The stack sync-buckets in 123456789012/eu-west-1 is protected from deletion. Nothing was deleted. Set "
        "TERMINATION_PROTECTION = False in fabfile_config.py, run `fab`, then run `fab delete` again."
    )
    assert fake.called() == []


def test_the_limit_of_a_call_counts_bytes_of_the_text_that_is_sent() -> None:
    around = len('{"D":""}')

    assert change_sets.can_be_sent({"D": "x" * (change_sets.BODY_MAX_BYTES - around)})
    assert not change_sets.can_be_sent({"D": "x" * (change_sets.BODY_MAX_BYTES - around + 1)})
    assert not change_sets.can_be_sent({"D": "é" * (change_sets.BODY_MAX_BYTES // 6 + 1)})


def test_a_template_that_is_too_long_even_for_an_upload_is_refused_before_it() -> None:
    long = {"Description": "x" * change_sets.TEMPLATE_MAX_BYTES}

    with pytest.raises(StackError) as caught:
        deploy(Deployed(), template=long)

    assert str(caught.value) == (
        "The template of the stack sync-buckets would have 1,000,018 bytes, and CloudFormation takes 1,000,000 at most. "
        "Shorten the policies in lambda_functions/, or name fewer buckets in fabfile_config.py."
    )
