"""The template: what is in it, what its policies come to, and when a function gets a new version."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cfnlint.api
import pytest
from cfnlint.config import ManualArgs
from hypothesis import given
from hypothesis import strategies as st
from places import PROJECT
from samtranslator.model.sam_resources import SamFunction

from deployment.build import bundle, policies, template
from deployment.build.bundle import Bundle
from deployment.errors import FrontMatterError
from deployment.project import setting_values
from deployment.project.front_matter import FunctionSpec, read_all
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
DEFAULTS = Settings()
FULL = Settings(
    stack_name="nightly",
    source_buckets=("here", "there"),
    destination_buckets=("away",),
    kms_key_arns=(KEY,),
    run_retention_days=15,
    log_retention_days=7,
    permissions_boundary_arn=BOUNDARY,
    tags={"team": "data"},
)
NOTICES = dataclasses.replace(
    FULL,
    notify=("ops@example.com", "nights@example.com"),
    notify_on="always",
    dashboard=True,
    syncs=(Sync("photos", {"source": "here", "destination": "away"}, "rate(6 hours)"),),
)
OWN_TOPIC = dataclasses.replace(NOTICES, notify="arn:aws:sns:eu-west-1:123456789012:alerts")

KEEP_OUT = policies.keep_out_of_deployment_buckets()


def spec(name: str = "copy_keys", **properties: Any) -> FunctionSpec:
    return FunctionSpec(name, Path("lambda_functions") / f"{name}.py", properties)


def statement(resource: Any, action: str = "s3:GetObject") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def build(*specs: FunctionSpec, settings: Settings = DEFAULTS, content: str = "0" * 16) -> dict[str, Any]:
    bundles = [Bundle(one.name, f"{one.name}-{content}.zip", b"") for one in specs]
    return template.make(specs, bundles, settings, "zips", ["sync-buckets-state-machine", "other"])


def properties_of(built: Mapping[str, Any], logical_id: str) -> dict[str, Any]:
    return built["Resources"][logical_id]["Properties"]


def version_of(built: Mapping[str, Any], logical_id: str = "CopyKeys") -> str:
    return built["Outputs"][f"{logical_id}Version"]["Value"]["Ref"]


def lint(built: Mapping[str, Any]) -> list[str]:
    """What cfn-lint says, its advice included."""
    arguments = ManualArgs(regions=["us-east-1", "eu-west-1"], include_checks=["I"])
    return [
        f"{match.rule.id} {match.message}" for match in cfnlint.api.lint(json.dumps(built), config=arguments)
    ]


# --- Functions --------------------------------------------------------------------------------------------


def test_a_function_has_its_defaults_its_zip_and_logs_of_its_own():
    built = build(spec(MemorySize=512, Timeout=60))
    assert properties_of(built, "CopyKeys") == {
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "MemorySize": 512,
        "Timeout": 60,
        "FunctionName": "sync-buckets-copy-keys",
        "Handler": "lambda_functions/copy_keys.handler",
        "Role": {"Fn::GetAtt": ["CopyKeysRole", "Arn"]},
        "CodeUri": {"Bucket": "zips", "Key": "copy_keys-0000000000000000.zip"},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": {"Ref": "CopyKeysLogGroup"}},
        "Tags": {"syncbuckets:stack": "sync-buckets"},
    }
    assert built["Resources"]["CopyKeysLogGroup"] == {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "LogGroupName": "/sync-buckets/copy_keys",
            "RetentionInDays": 30,
            "Tags": [{"Key": "syncbuckets:stack", "Value": "sync-buckets"}],
        },
    }


def test_the_front_matter_wins_over_the_defaults_and_is_added_to_tags_and_logging():
    built = build(
        spec(
            Runtime="python3.14",
            Architectures=["x86_64"],
            LoggingConfig={"ApplicationLogLevel": "DEBUG"},
            Tags={"layer": "copy", "team": "mine"},
            Environment={"Variables": {"ZIPS": "${DeploymentBucket}", "WORK": {"Ref": "WorkBucket"}}},
        ),
        settings=FULL,
    )
    found = properties_of(built, "CopyKeys")
    assert (found["Runtime"], found["Architectures"]) == ("python3.14", ["x86_64"])
    assert found["Tags"] == {"layer": "copy", "team": "data", "syncbuckets:stack": "nightly"}
    assert found["Environment"] == {"Variables": {"ZIPS": "zips", "WORK": {"Ref": "WorkBucket"}}}
    assert found["LoggingConfig"] == {
        "LogFormat": "JSON",
        "LogGroup": {"Ref": "CopyKeysLogGroup"},
        "ApplicationLogLevel": "DEBUG",
    }


def test_numbers_and_booleans_are_the_texts_that_cloudformation_makes_of_them():
    given = {"a": 1, "b": True, "c": False, "d": 1.5, "e": "1.50", "f": {"Ref": "WorkBucket"}}
    written = {"a": "1", "b": "true", "c": "false", "d": "1.5", "e": "1.50", "f": {"Ref": "WorkBucket"}}
    one = spec(Environment={"Variables": given}, Tags={name: given[name] for name in "abc"})
    properties = properties_of(build(one), "CopyKeys")
    assert properties["Environment"] == {"Variables": written}
    assert {"a": "1", "b": "true", "c": "false"}.items() <= properties["Tags"].items()
    assert version_of(build(one)) == version_of(build(spec(Environment={"Variables": written})))


def test_a_literal_dollar_brace_is_escaped_as_in_a_sub():
    one = spec(Environment={"Variables": {"A": "${!HOME}/x", "B": {"Fn::Sub": "${!HOME}"}}})
    variables = properties_of(build(one), "CopyKeys")["Environment"]["Variables"]
    assert variables == {"A": "${HOME}/x", "B": {"Fn::Sub": "${!HOME}"}}


def test_an_environment_that_cloudformation_computes_is_left_to_it():
    computed = {"Variables": {"Fn::If": ["Live", {"A": "b"}, {"Ref": "AWS::NoValue"}]}}
    assert properties_of(build(spec(Environment=computed)), "CopyKeys")["Environment"] == computed


def test_the_settings_reach_every_resource():
    built = build(spec(), settings=FULL)
    tags = [{"Key": "team", "Value": "data"}, {"Key": "syncbuckets:stack", "Value": "nightly"}]
    for logical_id in ("CopyKeysLogGroup", "CopyKeysRole", "StateMachineRole", "WorkBucket"):
        assert properties_of(built, logical_id)["Tags"] == tags
    for logical_id in ("CopyKeysRole", "StateMachineRole"):
        assert properties_of(built, logical_id)["PermissionsBoundary"] == BOUNDARY
    assert properties_of(built, "CopyKeysLogGroup")["RetentionInDays"] == 7


def test_the_outputs_are_the_versions_the_work_bucket_and_the_role():
    built = build(spec(), spec("tally_run"))
    assert built["Outputs"] == {
        "CopyKeysVersion": {"Value": {"Ref": version_of(built)}},
        "TallyRunVersion": {"Value": {"Ref": version_of(built, "TallyRun")}},
        "WorkBucket": {"Value": {"Ref": "WorkBucket"}},
        "StateMachineRoleArn": {"Value": {"Fn::GetAtt": ["StateMachineRole", "Arn"]}},
        "StateMachines": {"Value": "sync-buckets-state-machine,other"},
    }


def test_building_changes_nothing_that_it_is_given():
    one = spec(Policies=[statement("${SourceObjects}")], Tags={"a": "b"})
    before = json.dumps(one.properties)
    assert build(one, settings=FULL) == build(one, settings=FULL)
    assert json.dumps(one.properties) == before


# --- Versions ---------------------------------------------------------------------------------------------


def test_a_version_is_kept_when_the_stack_no_longer_has_it():
    built = build(spec())
    assert re.fullmatch(r"CopyKeysVersion[0-9a-f]{10}", version_of(built))
    assert built["Resources"][version_of(built)] == {
        "Type": "AWS::Lambda::Version",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "FunctionName": {"Ref": "CopyKeys"},
            "CodeSha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",  # of no byte at all
        },
    }


def test_a_version_is_published_of_the_very_bytes_that_were_zipped_and_of_no_other_zip_of_that_name():
    zips = [Bundle("copy_keys", "copy_keys-0.zip", content) for content in (b"ours", b"theirs")]
    ours, theirs = (template.make([spec()], [one], DEFAULTS, "zips", []) for one in zips)
    digests = [properties_of(built, version_of(built))["CodeSha256"] for built in (ours, theirs)]
    assert [base64.b64decode(digest) for digest in digests] == [
        hashlib.sha256(content).digest() for content in (b"ours", b"theirs")
    ]
    assert properties_of(ours, "CopyKeys") == properties_of(theirs, "CopyKeys")


@pytest.mark.parametrize(
    "changed",
    [
        {"Timeout": 61},
        {"MemorySize": 128},
        {"Environment": {"Variables": {"A": "b"}}},
        {"Description": "new"},
        {"Layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:x:1"]},
        {"LoggingConfig": {"ApplicationLogLevel": "DEBUG"}},
    ],
)
def test_a_change_of_what_lambda_freezes_makes_a_new_version(changed):
    assert version_of(build(spec(Timeout=60))) != version_of(build(spec(**{"Timeout": 60, **changed})))


def test_new_code_makes_a_new_version():
    assert version_of(build(spec())) != version_of(build(spec(), content="1" * 16))


@pytest.mark.parametrize(
    "changed",
    [
        {"Tags": {"a": "b"}},
        {"Policies": [statement("*")]},
        {"ReservedConcurrentExecutions": 5},
        {"AssumeRolePolicyDocument": {}},
    ],
)
def test_a_change_of_what_lambda_keeps_beside_versions_makes_none(changed):
    assert version_of(build(spec())) == version_of(build(spec(**changed)))


def test_settings_that_reach_roles_tags_and_logs_only_make_no_new_version():
    changed = dataclasses.replace(FULL, stack_name="sync-buckets")
    assert version_of(build(spec(), settings=changed)) == version_of(build(spec()))


def test_the_place_of_the_zips_makes_no_new_version():
    zips = [Bundle("copy_keys", "copy_keys-0.zip", b"")]
    built = [template.make([spec()], zips, Settings(), bucket, []) for bucket in ("here", "there")]
    assert version_of(built[0]) == version_of(built[1])


def test_every_property_that_makes_no_version_is_one_of_a_function():
    assert set(SamFunction.property_types) >= template.UNVERSIONED


@given(st.permutations(["Timeout", "MemorySize", "Description"]))
def test_the_order_of_properties_makes_no_new_version(order):
    values = {"Timeout": 60, "MemorySize": 512, "Description": "x"}
    assert version_of(build(spec(**{name: values[name] for name in order}))) == version_of(
        build(spec(**values))
    )


# --- Policies of functions --------------------------------------------------------------------------------


def documents_of(built: Mapping[str, Any]) -> list[Any]:
    """What the role of the function may do besides writing its log; what it never may stands before that."""
    *own, never, _ = [one["PolicyDocument"] for one in properties_of(built, "CopyKeysRole")["Policies"]]
    assert never == KEEP_OUT
    return own


def allowed(settings: Settings, *statements: Mapping[str, Any]) -> Any:
    found = documents_of(build(spec(Policies=[policies.document(statements)]), settings=settings))
    return [one["Resource"] for one in found[0]["Statement"]] if found else None


@pytest.mark.parametrize(
    ("placeholder", "arns"),
    [
        ("${SourceBuckets}", ["s3:::here", "s3:::there"]),
        ("${SourceObjects}", ["s3:::here/*", "s3:::there/*"]),
        ("${DestinationBuckets}", ["s3:::away"]),
        ("${DestinationObjects}", ["s3:::away/*"]),
    ],
)
def test_placeholders_of_buckets_become_the_arns_of_the_settings(placeholder, arns):
    expected = [{"Fn::Sub": f"arn:${{AWS::Partition}}:{arn}"} for arn in arns]
    assert allowed(FULL, statement(placeholder), statement([placeholder, "x"])) == [
        expected,
        [*expected, "x"],
    ]


def test_without_named_buckets_all_are_allowed_and_decide_themselves():
    objects = [{"Fn::Sub": "arn:${AWS::Partition}:s3:::*/*"}]
    buckets = [{"Fn::Sub": "arn:${AWS::Partition}:s3:::*"}]
    placeholders = ("${SourceBuckets}", "${SourceObjects}", "${DestinationBuckets}", "${DestinationObjects}")
    assert allowed(Settings(), *map(statement, placeholders)) == [buckets, objects, buckets, objects]


def test_executions_are_those_of_our_machines_whatever_their_timestamp():
    machine = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution"
    assert allowed(Settings(), statement("${StateMachineExecutions}", "states:DescribeExecution")) == [
        [
            {"Fn::Sub": f"{machine}:sync-buckets-state-machine-????????-??????:*"},
            {"Fn::Sub": f"{machine}:other-????????-??????:*"},
        ]
    ]


def test_a_statement_about_keys_is_left_out_when_there_are_none():
    assert allowed(FULL, statement("${KmsKeys}"), statement("x")) == [[KEY], "x"]
    assert allowed(Settings(), statement("${KmsKeys}"), statement("x")) == ["x"]
    assert allowed(Settings(), statement(["${KmsKeys}"])) is None


def test_bare_statements_become_one_policy():
    one, two = statement("a"), statement("b")
    for written in ([one, two], one):
        built = build(spec(Policies=written))
        expected = [one, two] if isinstance(written, list) else [one]
        assert documents_of(built) == [policies.document(expected)]


@pytest.mark.parametrize(
    "written",
    [
        "AWSLambdaVPCAccessExecutionRole",
        [{"S3ReadPolicy": {"BucketName": "x"}}, policies.document([statement("x")])],
    ],
)
def test_other_forms_of_policies_stay_as_they_are_written_and_the_role_is_sam_s(written):
    built = build(spec(Policies=written), settings=FULL)
    found = properties_of(built, "CopyKeys")
    assert found["Policies"] == [*(written if isinstance(written, list) else [written]), KEEP_OUT]
    assert found["AssumeRolePolicyDocument"] == policies.function_trust()
    assert found["PermissionsBoundary"] == BOUNDARY
    assert "CopyKeysRole" not in built["Resources"]


@pytest.mark.parametrize(
    "more", [{"VpcConfig": {"SubnetIds": ["a"]}}, {"Tracing": "Active"}, {"Role": "arn:x"}]
)
def test_a_role_that_needs_more_than_the_file_says_is_left_to_sam_or_to_whoever_gave_it(more):
    built = build(spec(Policies=[statement("x")], **more))
    assert "CopyKeysRole" not in built["Resources"]
    assert properties_of(built, "CopyKeys").get("Role") == more.get("Role")


def test_the_role_of_a_function_may_write_its_own_log_and_is_lambda_s_alone():
    trust = {"Service": "lambda.amazonaws.com"}
    assert properties_of(build(spec(Policies=[statement("x")])), "CopyKeysRole") == {
        "Description": "What the function sync-buckets-copy-keys may do",
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": trust,
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                }
            ],
        },
        "Policies": [
            {"PolicyName": "CopyKeys0", "PolicyDocument": policies.document([statement("x")])},
            {"PolicyName": "CopyKeys1", "PolicyDocument": KEEP_OUT},
            {
                "PolicyName": "CopyKeys2",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "WriteItsLog",
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": [{"Fn::GetAtt": ["CopyKeysLogGroup", "Arn"]}],
                        }
                    ],
                },
            },
        ],
        "Tags": [{"Key": "syncbuckets:stack", "Value": "sync-buckets"}],
    }


# --- The role of the state machines and the work bucket ---------------------------------------------------


def test_the_state_machines_may_do_exactly_their_work():
    document = properties_of(build(spec(), spec("tally_run")), "StateMachineRole")["Policies"][0][
        "PolicyDocument"
    ]
    states = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
    machines = ("sync-buckets-state-machine-????????-??????", "other-????????-??????")
    executions = [{"Fn::Sub": f"{states}:execution:{machine}:*"} for machine in machines]
    children = [{"Fn::Sub": f"{states}:execution:{machine}/*:*"} for machine in machines]
    assert document["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": [
                {"Fn::Sub": "${CopyKeys.Arn}:*"},
                {"Fn::Sub": "${TallyRun.Arn}:*"},
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [{"Fn::Sub": "${WorkBucket.Arn}/runs/*"}],
        },
        {
            "Effect": "Allow",
            "Action": [
                "s3:PutObject",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:AbortMultipartUpload",
            ],
            "Resource": [{"Fn::Sub": "${WorkBucket.Arn}/map-runs/*"}],
        },
        {
            "Effect": "Allow",
            "Action": ["states:StartExecution"],
            "Resource": [{"Fn::Sub": f"{states}:stateMachine:{machine}"} for machine in machines],
        },
        {
            "Effect": "Allow",
            "Action": ["states:DescribeExecution", "states:StopExecution"],
            "Resource": executions + children,
        },
        {"Effect": "Allow", "Action": ["states:RedriveExecution"], "Resource": children},
    ]


def test_only_step_functions_for_this_account_may_take_the_role():
    assert properties_of(build(spec()), "StateMachineRole")["AssumeRolePolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "states.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            }
        ],
    }


def test_the_work_bucket_is_encrypted_private_and_forgets():
    found = properties_of(build(spec(), settings=FULL), "WorkBucket")
    assert found["BucketEncryption"]["ServerSideEncryptionConfiguration"] == [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    ]
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(found["PublicAccessBlockConfiguration"]) == 4
    assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert found["LifecycleConfiguration"]["Rules"] == [
        {
            "Id": "ForgetRuns",
            "Status": "Enabled",
            "ExpirationInDays": 15,
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
    ]
    assert "BucketName" not in found


def test_the_work_bucket_refuses_requests_without_tls_and_the_roles_of_other_installations():
    built = build(spec(), spec("tally_run", VpcConfig={}), spec("list_ranges", Role="arn:mine"))
    everything = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [{"Fn::Sub": "${WorkBucket.Arn}"}, {"Fn::Sub": "${WorkBucket.Arn}/*"}],
    }
    own = [{"Fn::GetAtt": [role, "Arn"]} for role in ("CopyKeysRole", "TallyRunRole", "StateMachineRole")]
    assert properties_of(built, "WorkBucketPolicy")["PolicyDocument"]["Statement"] == [
        {"Sid": "TlsOnly", **everything, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {
            "Sid": "KeepOtherInstallationsOut",
            **everything,
            "Condition": {
                "Null": {"aws:PrincipalTag/syncbuckets:stack": "false"},
                "ArnNotEquals": {"aws:PrincipalArn": [*own[:2], "arn:mine", own[2]]},
            },
        },
    ]


# --- Names ------------------------------------------------------------------------------------------------


def test_a_function_name_that_lambda_refuses_is_reported_with_its_file():
    settings = Settings(stack_name="a" * setting_values.MAX_STACK_NAME_LENGTH)
    assert build(spec("b" * 40), settings=settings)
    with pytest.raises(FrontMatterError) as caught:
        build(spec("b" * 41), settings=settings)
    assert str(caught.value) == (
        f"lambda_functions/{'b' * 41}.py: the function's name, {'a' * 23}-{'b' * 41}, "
        "is longer than 64 characters; shorten the file's name or STACK_NAME"
    )


def test_names_that_collide_in_the_template_are_reported():
    with pytest.raises(FrontMatterError) as caught:
        build(spec("work_bucket"), spec("copy_keys"), spec("copy_keys_role"))
    assert str(caught.value) == (
        "lambda_functions/work_bucket.py: the template has WorkBucket already, for the state machines; "
        "rename the file\n"
        "lambda_functions/copy_keys_role.py: the template has CopyKeysRole already, "
        "for lambda_functions/copy_keys.py; rename the file"
    )


@pytest.mark.parametrize(
    ("name", "logical_id"),
    [
        ("state_machine", "StateMachineRole"),
        ("state_machine_role", "StateMachineRole"),
        ("work_bucket", "WorkBucket"),
        ("work_bucket_policy", "WorkBucketPolicy"),
    ],
)
def test_no_function_takes_the_place_of_what_the_state_machines_need(name, logical_id):
    """A role of a function in the place of the machines' own would let them do what that function may, and nothing else."""
    with pytest.raises(
        FrontMatterError, match=f"the template has {logical_id} already, for the state machines"
    ):
        build(spec(name))


# --- As a whole -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [Settings(), FULL, NOTICES, OWN_TOPIC, Settings(dashboard=True)],
    ids=["defaults", "everything set", "notices", "notices to a topic", "dashboard"],
)
def test_cfn_lint_has_nothing_to_say_about_the_template_of_our_lambdas(settings):
    specs = read_all(PROJECT / "lambda_functions")
    bundles = bundle.make_all(specs, PROJECT)
    assert lint(template.make(specs, bundles, settings, "zips", ["sync-buckets-state-machine"])) == []


def test_the_template_of_our_lambdas_can_be_sent_without_a_bucket():
    """51,200 bytes: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
    specs = read_all(PROJECT / "lambda_functions")
    built = template.make(
        specs, bundle.make_all(specs, PROJECT), FULL, "zips", ["sync-buckets-state-machine"]
    )
    assert len(json.dumps(built)) < 51_200


def test_only_the_input_check_knows_the_deployment_bucket_and_all_know_the_work_bucket():
    specs = read_all(PROJECT / "lambda_functions")
    built = template.make(
        specs, bundle.make_all(specs, PROJECT), FULL, "zips", ["sync-buckets-state-machine"]
    )
    for one in specs:
        variables = properties_of(built, one.logical_id)["Environment"]["Variables"]
        more = {"validate_input": {"DEPLOYMENT_BUCKET": "zips"}, "tally_run": {"METRICS_STACK": ""}}
        assert variables == {"WORK_BUCKET": {"Ref": "WorkBucket"}, **more.get(one.name, {})}
