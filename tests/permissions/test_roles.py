"""The roles of the stack: the state machines' permissions, whom each role trusts, how settings narrow and bound them, tags."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import cfnlint.schema.manager
from iam_grants import (
    ACCOUNT,
    BOUNDARY,
    MACHINE,
    NARROW,
    PROJECT,
    REGION,
    STATES,
    TIMESTAMPED,
    granted,
    of_type,
    role_of,
    roles,
    specs,
    statements,
    translated,
)

from deployment.build import definitions, template
from deployment.project import states_language
from deployment.project.settings import Settings
from lambda_functions.shared.option_rules import RULES

OPEN = Settings()
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
WORK = "arn:aws:s3:::work-bucket"


# --- The role of the state machines -----------------------------------------------------------------------


def states_of(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in definition["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from states_of(state["ItemProcessor"])


def needed_by_the_machine() -> set[tuple[str, str]]:
    """What the rendered state machine needs.

    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    https://docs.aws.amazon.com/step-functions/latest/dg/lambda-iam.html
    """
    (spec,) = states_language.read_all(PROJECT / "state_machines")
    versions = {one.name: f"{FUNCTION}{template.function_name(one, NARROW)}:7" for one in specs()}
    values = definitions.placeholder_values(Settings(max_concurrency=4), "work-bucket", "aws")
    needed: set[tuple[str, str]] = set()
    for state in states_of(definitions.render(spec, versions, values)):
        if state["Type"] == "Task":
            needed.add(("lambda:InvokeFunction", re.sub(r"7$", "*", state["Resource"])))
        if state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
            needed |= of_a_distributed_map(state)
    return needed


def of_a_distributed_map(state: Mapping[str, Any]) -> set[tuple[str, str]]:
    read, written = state["ItemReader"], state["ResultWriter"]
    assert (read["Resource"], written["Resource"]) == (
        "arn:aws:states:::s3:getObject",
        "arn:aws:states:::s3:putObject",
    )
    results = f"arn:aws:s3:::{written['Parameters']['Bucket']}/{written['Parameters']['Prefix']}/*"
    executions, children = f"{STATES}:execution:{TIMESTAMPED}:*", f"{STATES}:execution:{TIMESTAMPED}/*:*"
    return {
        # The index is a paper of the run, and all papers are under `runs/`.
        ("s3:GetObject", f"arn:aws:s3:::{read['Parameters']['Bucket']}/runs/*"),
        ("s3:PutObject", results),
        ("s3:GetObject", results),
        ("s3:ListMultipartUploadParts", results),
        ("s3:AbortMultipartUpload", results),
        ("states:StartExecution", f"{STATES}:stateMachine:{TIMESTAMPED}"),
        ("states:DescribeExecution", executions),
        ("states:StopExecution", executions),
        ("states:DescribeExecution", children),
        ("states:StopExecution", children),
        ("states:RedriveExecution", children),
    }


def test_the_state_machines_are_granted_what_their_states_need_and_nothing_more():
    found = {
        (action, arn)
        for statement in statements(translated(NARROW)["StateMachineRole"])
        for action in statement["Action"]
        for arn in statement["Resource"]
    }
    assert found == needed_by_the_machine()


# --- What settings do -------------------------------------------------------------------------------------


DENIED = ("KeepOutOfDeploymentBuckets",)
WRITES = re.compile(r"s3:(Put|Delete|Abort|Restore|Create|Replicate)|kms:(Encrypt|GenerateDataKey)")


def test_no_function_may_write_to_a_source():
    everything = {place for spec in specs() for place in granted(spec, NARROW)}
    read = {action for action, place in everything if place.startswith("source")}
    assert "s3:GetObject" in read
    # A restore makes a copy that passes, and changes nothing of the object.
    assert [action for action in sorted(read) if WRITES.match(action)] == ["s3:RestoreObject"]


def test_named_buckets_are_the_only_ones():
    for spec in specs():
        named = {place for _, place in granted(spec, NARROW) if place.startswith("arn:")}
        assert named == set(), spec.name


def test_without_named_buckets_only_the_two_buckets_of_a_run_are_open():
    allowed = {"arn:aws:s3:::*", "arn:aws:s3:::*/*"}
    for spec in specs():
        narrow = {action for action, place in granted(spec, NARROW) if re.match("source|destination", place)}
        unnamed = {(action, place) for action, place in granted(spec, OPEN) if place.startswith("arn:")}
        assert {place for _, place in unnamed} <= allowed
        assert {action for action, _ in unnamed} == narrow


def test_source_and_destination_are_kept_apart_where_both_are_named():
    apart = dataclasses.replace(NARROW, destination_buckets=("elsewhere",))
    for spec in specs():
        deleting = {
            arn
            for statement in statements(role_of(spec, apart))
            for arn in statement["Resource"]
            if "s3:PutObject" in statement["Action"] or "s3:DeleteObject" in statement["Action"]
        }
        assert all(re.match(r"arn:aws:s3:::(elsewhere|work-bucket)/", arn) for arn in deleting), spec.name


def test_nothing_is_allowed_by_a_star_or_left_to_a_managed_policy():
    for settings in (OPEN, NARROW):
        for name, role in roles(settings).items():
            assert "ManagedPolicyArns" not in role["Properties"], name
            for statement in statements(role):
                assert (statement["Effect"] == "Deny") == (statement.get("Sid") in DENIED)
                assert [action for action in statement["Action"] if "*" in action] == []
                assert "*" not in statement["Resource"]


def test_every_role_has_the_boundary_of_the_settings_and_none_otherwise():
    assert len(roles(NARROW)) == len(specs()) + 1
    assert {role["Properties"].get("PermissionsBoundary") for role in roles(NARROW).values()} == {BOUNDARY}
    assert {role["Properties"].get("PermissionsBoundary") for role in roles(OPEN).values()} == {None}


def test_keys_are_named_only_where_the_settings_name_them():
    assert [spec.name for spec in specs() if "keys" in {place for _, place in granted(spec, OPEN)}] == []
    assert {
        spec.name: sorted(action for action, place in granted(spec, NARROW) if place == "keys")
        for spec in specs()
    } == {
        "compare_listings": ["kms:Decrypt"],
        "copy_keys": ["kms:Decrypt", "kms:GenerateDataKey"],
        "copy_large_object": ["kms:Decrypt", "kms:GenerateDataKey"],
        "delete_orphaned_keys": ["kms:Decrypt"],
        "list_ranges": ["kms:Decrypt"],
        "tally_run": ["kms:Decrypt"],
        "validate_input": ["kms:Decrypt"],
    }


def test_the_only_acl_that_may_be_set_is_the_one_that_an_input_can_ask_for():
    may_set = [
        (spec.name, statement)
        for settings in (OPEN, NARROW)
        for spec in specs()
        for statement in statements(role_of(spec, settings))
        if "s3:PutObjectAcl" in statement["Action"]
    ]
    assert {name for name, _ in may_set} == {"copy_keys", "copy_large_object"}
    assert RULES["acl"]("bucket-owner-full-control") is None
    for _, statement in may_set:
        assert statement["Action"] == ["s3:PutObjectAcl"]
        assert statement["Condition"] == {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}


# --- Whom roles trust -------------------------------------------------------------------------------------


def test_every_role_is_taken_by_one_service_for_no_other_account():
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    for name, role in roles(OPEN).items():
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        is_machine = name == "StateMachineRole"
        service = "states" if is_machine else "lambda"
        assert statement == {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Condition": {"StringEquals" if is_machine else "StringEqualsIfExists": account},
        }


# --- Tags and logs ----------------------------------------------------------------------------------------

TAGS = {"team": "data", "syncbuckets:stack": "sync-buckets"}


def tags_of(resource: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource["Properties"].get("Tags", ())}


def schema(kind: str) -> Mapping[str, Any]:
    """What the registry of CloudFormation knows of a type."""
    manager = cfnlint.schema.manager.PROVIDER_SCHEMA_MANAGER
    found: Mapping[str, Any] = manager.get_resource_schema(REGION, kind).schema
    return found


def test_everything_that_can_have_tags_has_ours_and_the_settings():
    kinds = {resource["Type"] for resource in translated(NARROW).values()}
    taggable = {kind for kind in kinds if schema(kind)["tagging"]["taggable"]}
    # By the registry of CloudFormation, these cannot have any.
    assert kinds - taggable == {"AWS::Lambda::Version", "AWS::S3::BucketPolicy"}
    for name, resource in translated(NARROW).items():
        if resource["Type"] in taggable:
            assert tags_of(resource).items() >= TAGS.items(), name


def test_every_function_logs_into_a_group_of_the_stack_that_forgets():
    groups = of_type("AWS::Logs::LogGroup", NARROW)
    assert all(group["Properties"]["RetentionInDays"] == 30 for group in groups.values())
    functions = of_type("AWS::Lambda::Function", NARROW)
    logs = {one["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for one in functions.values()}
    assert logs == groups.keys()
    assert len(groups) == len(functions) == len(specs())


def test_the_work_bucket_is_reached_by_tls_only():
    (policy,) = of_type("AWS::S3::BucketPolicy", NARROW).values()
    statement, _ = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:*", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_machines_carry_the_name_that_the_roles_know():
    (spec,) = states_language.read_all(PROJECT / "state_machines")
    assert spec.name == MACHINE
