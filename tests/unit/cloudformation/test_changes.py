"""What happens to a stack's resources: as a change set says it, and as two templates compared say it."""

from __future__ import annotations

import os
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PROJECT
from samtranslator.translator.transform import transform

from deployment.build import bundle, template
from deployment.cloudformation.changes import (
    Change,
    PropertyChange,
    canonical_json,
    compare_templates,
    expand_functions,
    from_change_set,
    lost_functions,
    with_values,
)
from deployment.project import front_matter, states_language
from deployment.project.settings import Settings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=6,
)
RESOURCES = st.dictionaries(
    st.sampled_from(["One", "Two", "Three"]),
    st.builds(
        lambda properties: {"Type": "AWS::S3::Bucket", "Properties": properties},
        st.dictionaries(st.sampled_from("abc"), JSON),
    ),
)


def function(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"Copy": {"Type": "AWS::Serverless::Function", "Properties": properties}}}


def test_of_a_change_set_path_values_and_replacement_are_kept() -> None:
    record = {
        "Action": "Modify",
        "LogicalResourceId": "CopyKeys",
        "ResourceType": "AWS::Lambda::Function",
        "Replacement": "False",
        "Details": [
            {
                "Target": {
                    "Attribute": "Properties",
                    "Name": "Code",
                    "Path": "/Properties/Code/S3Key",
                    "BeforeValue": "a.zip",
                    "AfterValue": "b.zip",
                },
                "Evaluation": "Static",
            },
            {"Target": {"Attribute": "Tags"}, "Evaluation": "Static"},
        ],
    }

    assert from_change_set(record) == Change(
        "Modify",
        "CopyKeys",
        "AWS::Lambda::Function",
        "False",
        (PropertyChange("Code/S3Key", "a.zip", "b.zip"), PropertyChange("Tags", values_known=False)),
    )


def test_a_property_that_is_listed_for_a_reference_too_is_told_once_with_its_values() -> None:
    target = {"Attribute": "Properties", "Name": "Role"}
    record = {
        "Action": "Modify",
        "LogicalResourceId": "CopyKeys",
        "ResourceType": "AWS::Lambda::Function",
        "Details": [
            {"Target": target, "Evaluation": "Dynamic", "CausingEntity": "CopyKeysRole.Arn"},
            {"Target": target | {"BeforeValue": "a", "AfterValue": "b"}, "Evaluation": "Static"},
        ],
    }

    assert from_change_set(record).properties == (PropertyChange("Role", "a", "b"),)


def test_what_is_removed_and_stays_is_called_retained() -> None:
    record = {"Action": "Remove", "LogicalResourceId": "V", "ResourceType": "T", "PolicyAction": "Retain"}

    assert from_change_set(record).action == "Retain"


def test_a_functions_policies_are_a_change_of_its_role() -> None:
    changes = compare_templates(function(Timeout=3, Policies=["a"]), function(Timeout=4, Policies=["b"]))

    assert changes == (
        Change("Modify", "Copy", "AWS::Lambda::Function", properties=(PropertyChange("Timeout", 3, 4),)),
        Change(
            "Modify", "CopyRole", "AWS::IAM::Role", properties=(PropertyChange("Policies", ["a"], ["b"]),)
        ),
    )


def test_what_python_takes_for_equal_and_aws_does_not_is_a_change() -> None:
    assert [change.logical_id for change in compare_templates(function(Flag=True), function(Flag=1))] == [
        "Copy"
    ]
    assert canonical_json({"a": True}) != canonical_json({"a": 1})


def test_a_deletion_policy_is_a_change_and_a_retained_resource_stays() -> None:
    kept = {"Resources": {"V": {"Type": "AWS::Lambda::Version", "DeletionPolicy": "Retain"}}}
    gone = {"Resources": {"V": {"Type": "AWS::Lambda::Version"}}}

    assert compare_templates(gone, kept) == (
        Change(
            "Modify",
            "V",
            "AWS::Lambda::Version",
            properties=(PropertyChange("DeletionPolicy", None, "Retain"),),
        ),
    )
    assert [change.action for change in compare_templates(kept, {})] == ["Retain"]
    assert [change.action for change in compare_templates(gone, {})] == ["Remove"]


@given(RESOURCES, RESOURCES)
def test_two_templates_differ_exactly_where_their_resources_do(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    changes = compare_templates({"Resources": old}, {"Resources": new})

    differing = {
        name
        for name in old.keys() | new.keys()
        if canonical_json(old.get(name)) != canonical_json(new.get(name))
    }
    told = {(change.logical_id, change.action) for change in changes}
    assert {name for name, _ in told} <= differing
    # A property that is null and one that is not there are the same to CloudFormation.
    assert {name for name in differing if name not in old} == {
        name for name, action in told if action == "Add"
    }
    assert {name for name in differing if name not in new} == {
        name for name, action in told if action == "Remove"
    }
    assert compare_templates({"Resources": old}, {"Resources": old}) == ()


def test_values_of_a_comparison_are_taken_only_where_cloudformation_tells_none() -> None:
    silent = Change("Modify", "A", "T", "False", (PropertyChange("Code", values_known=False),))
    telling = Change("Modify", "B", "T", "False", (PropertyChange("X", "1", "2"),))
    compared = [
        Change("Modify", "A", "T", properties=(PropertyChange("CodeUri/Key", "a", "b"),)),
        Change("Modify", "B", "T", properties=(PropertyChange("X", 8, 9),)),
    ]

    filled, kept = with_values([silent, telling], compared)

    assert filled == Change("Modify", "A", "T", "False", (PropertyChange("CodeUri/Key", "a", "b"),))
    assert kept == telling


def test_the_resources_counted_are_those_that_sam_makes(monkeypatch: Any) -> None:
    monkeypatch.setitem(os.environ, "AWS_DEFAULT_REGION", "eu-west-1")
    functions = front_matter.read_all(PROJECT / "lambda_functions")
    names = [spec.name for spec in states_language.read_all(PROJECT / "state_machines")]
    body = template.make(functions, bundle.make_all(functions, PROJECT), Settings(), "bucket", names)
    counted = {name: resource["Type"] for name, resource in expand_functions(body).items()}

    made = transform(body, {}, FakeManagedPolicies())["Resources"]

    assert counted == {name: resource["Type"] for name, resource in made.items()}


class FakeManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


assert boto3  # samtranslator asks it for the region


def named(name: str, logical_id: str = "Copy", **properties: Any) -> dict[str, Any]:
    properties = {"FunctionName": name, "Handler": "lambda_functions/copy.handler", **properties}
    return {"Resources": {logical_id: {"Type": "AWS::Serverless::Function", "Properties": properties}}}


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        ({"Resources": {}}, ("s-copy",)),
        (named("s-copy", "Other"), ("s-copy",)),
        (named("s-Copy"), ("s-copy",)),
        (named("s-copy", PackageType="Image"), ("s-copy",)),
        (named("s-copy", Handler="lambda_functions/moved.handler"), ()),
        (named("s-copy", Timeout=3), ()),
        (named("s-copy"), ()),
    ],
    ids=["removed", "another logical id", "another name", "replaced", "another file", "changed", "the same"],
)
def test_the_functions_that_go_with_their_versions_are_known_from_two_templates_too(
    after: dict[str, Any], lost: tuple[str, ...]
) -> None:
    before = named("s-copy")

    assert lost_functions(compare_templates(before, after), before) == lost


def test_a_change_set_names_the_function_itself_whatever_the_template_says() -> None:
    record = {
        "LogicalResourceId": "Copy",
        "ResourceType": "AWS::Lambda::Function",
        "PhysicalResourceId": "s-renamed",
    }
    removed = from_change_set({**record, "Action": "Remove"})
    retained = from_change_set({**record, "Action": "Remove", "PolicyAction": "Retain"})

    assert lost_functions([removed], named("s-copy")) == ("s-renamed",)
    assert lost_functions([retained], named("s-copy")) == ()
