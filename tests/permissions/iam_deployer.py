"""What whoever runs `fab` needs: the API calls of every task, what they ask for, and what CloudFormation does with these rights.

CloudFormation acts with the permissions of whoever calls it (no service role is used):
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
Which actions it takes for a type of resource stands in the type's schema in its registry, handler by handler:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
A handler's list is about all properties; `UNUSED` says which of its actions belong to properties that our template never has.
"""

from __future__ import annotations

import ast
import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import cfnlint.schema.manager
from botocore import xform_name
from iam_grants import NARROW, PROJECT, REGION, translated

from deployment.project.settings import Settings

SERVICES = {
    "sts": "sts",
    "s3": "s3",
    "cloudformation": "cloudformation",
    "stepfunctions": "states",
    "lambda": "lambda",
    "logs": "logs",
    "scheduler": "scheduler",
    "sqs": "sqs",
    "sns": "sns",
}
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_"
_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"
_SCHEDULER = f"{_REFERENCE}amazoneventbridgescheduler.html"

# What a call needs where it is not one action of the call's own name, and the page that says so.
ACTIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "sts:GetCallerIdentity": (
        (),
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",
    ),
    # With the parameter ObjectOwnership.
    "s3:CreateBucket": (
        ("s3:CreateBucket", "s3:PutBucketOwnershipControls"),
        f"{_S3}CreateBucket.html",
    ),
    # Versions by their ids, and markers; a bucket without versions names its objects "null".
    "s3:DeleteObjects": (("s3:DeleteObject", "s3:DeleteObjectVersion"), f"{_S3}DeleteObjects.html"),
    "s3:GetBucketEncryption": (("s3:GetEncryptionConfiguration",), f"{_S3}GetBucketEncryption.html"),
    "s3:HeadBucket": (("s3:ListBucket",), f"{_S3}HeadBucket.html"),
    "s3:ListObjectVersions": (("s3:ListBucketVersions",), f"{_S3}ListObjectVersions.html"),
    "s3:ListObjectsV2": (("s3:ListBucket",), f"{_S3}ListObjectsV2.html"),
    "s3:PutBucketEncryption": (("s3:PutEncryptionConfiguration",), f"{_S3}PutBucketEncryption.html"),
    "s3:PutBucketLifecycleConfiguration": (
        ("s3:PutLifecycleConfiguration",),
        f"{_S3}PutBucketLifecycleConfiguration.html",
    ),
    "s3:PutPublicAccessBlock": (("s3:PutBucketPublicAccessBlock",), f"{_S3}PutPublicAccessBlock.html"),
    # With tags of the stack, which may change, and a template of SAM, which may lie in the deployment bucket.
    "cloudformation:CreateChangeSet": (
        (
            "cloudformation:CreateChangeSet",
            "cloudformation:TagResource",
            "cloudformation:UntagResource",
            "s3:GetObject",
        ),
        f"{_REFERENCE}awscloudformation.html",
    ),
    # With a role.
    "scheduler:CreateSchedule": (("scheduler:CreateSchedule", "iam:PassRole"), _SCHEDULER),
    "scheduler:UpdateSchedule": (("scheduler:UpdateSchedule", "iam:PassRole"), _SCHEDULER),
    # With tags and a role.
    "states:CreateStateMachine": (
        ("states:CreateStateMachine", "states:TagResource", "iam:PassRole"),
        f"{_REFERENCE}awsstepfunctions.html",
    ),
}

# Actions of CloudFormation's handlers that our template never leads to, by the reason.
UNUSED: Mapping[str, tuple[str, ...]] = {
    "no function is in a VPC or has a file system": ("ec2:*", "elasticfilesystem:*", "s3files:*"),
    "nothing in the stack is encrypted with a key of ours": ("kms:*", "logs:*KmsKey"),
    "functions have no concurrency, scaling, recursion or runtime of their own": (
        "lambda:DeleteFunctionConcurrency",
        "lambda:Put*Concurrency*",
        "lambda:PutFunctionRecursionConfig",
        "lambda:PutFunctionScalingConfig",
        "lambda:PutRuntimeManagementConfig",
        "lambda:PassCapacityProvider",
        "lambda:AssociateRuntimeAlias",
    ),
    "functions have no layers, and their code is not signed": (
        "lambda:GetLayerVersion",
        "lambda:*CodeSigningConfig",
    ),
    "zips are named by their content, not by a version": ("s3:GetObjectVersion",),
    "roles have no managed policies": ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
    "log groups have no policies, indexes, deliveries or tokens": (
        "firehose:*",
        "s3:REST.PUT.OBJECT",
        "logs:CreateLogDelivery",
        "logs:*DataProtectionPolicy",
        "logs:*IndexPolicy",
        "logs:*ResourcePolicy",
        "logs:PutBearerTokenAuthentication",
        "logs:PutLogGroupDeletionProtection",
    ),
    "the work bucket has a name, encryption, ownership, tags and a lifecycle, which are never taken away, and nothing else": (
        "s3tables:*",
        "s3:DeleteBucket[!P]*",  # not its policy
        "s3:*MetadataTable*",
        "s3:*Metadata*TableConfiguration",
        "s3:PutAccelerateConfiguration",
        "s3:PutAnalyticsConfiguration",
        "s3:PutBucketAbac",
        "s3:PutBucketAcl",
        "s3:PutBucketCORS",
        "s3:PutBucketLogging",
        "s3:PutBucketNotification",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketReplication",
        "s3:PutBucketVersioning",
        "s3:PutBucketWebsite",
        "s3:PutIntelligentTieringConfiguration",
        "s3:PutInventoryConfiguration",
        "s3:PutMetricsConfiguration",
        "s3:PutObjectAcl",
        "s3:PutObjectLockConfiguration",
        "s3:PutReplicationConfiguration",
    ),
}


# The same of what is there for notices only.
UNUSED_OF_NOTICES: Mapping[str, tuple[str, ...]] = {
    "the topic keeps no messages and masks nothing": ("sns:PutDataProtectionPolicy",),
}


def actions_of_calls(calls: Iterable[str]) -> set[str]:
    """Return the actions that these calls need."""
    return {action for call in calls for action in ACTIONS.get(call, ((call,), ""))[0]}


def handled_by_cloudformation(settings: Settings = NARROW) -> set[str]:
    """Return every action that CloudFormation may take for the types of our resources, tags included."""
    manager = cfnlint.schema.manager.PROVIDER_SCHEMA_MANAGER
    found: set[str] = set()
    for kind in {resource["Type"] for resource in translated(settings).values()}:
        schema: Mapping[str, Any] = manager.get_resource_schema(REGION, kind).schema
        handlers = [schema["handlers"].get(name, {}) for name in ("create", "read", "update", "delete")]
        for part in (*handlers, schema.get("tagging") or {}):
            found |= set(part.get("permissions", ()))
    return found


def needed_by_cloudformation(settings: Settings = NARROW) -> set[str]:
    """Return those that our template leads to; reading is done of everything, whatever a resource has."""
    reasons = (*UNUSED.values(), *UNUSED_OF_NOTICES.values())
    unused = [pattern for patterns in reasons for pattern in patterns]
    handled = handled_by_cloudformation(settings)
    return {action for action in handled if is_read(action) or not matches(action, unused)}


def is_read(action: str) -> bool:
    """Whether CloudFormation reads with it the properties that a resource of ours may or may not have."""
    read_of_everything = ("s3:Get*", "lambda:GetFunction*", "lambda:GetRuntime*", "lambda:GetProvisioned*")
    also = ("logs:GetDataProtectionPolicy", "logs:Describe*", "lambda:GetFunctionCodeSigningConfig")
    return matches(action, (*read_of_everything, *also)) and action != "s3:GetObjectVersion"


def matches(action: str, patterns: Iterable[str]) -> bool:
    """Whether an action is one of these, `*` and `?` as in policies."""
    return any(fnmatch.fnmatchcase(action, pattern) for pattern in patterns)


def calls_in_sources() -> set[str]:
    """Return the API calls in the sources of deployment/, such as `s3:PutObject`: names that boto3's clients know."""
    operations: dict[str, set[str]] = {}
    session = boto3.Session(region_name=REGION)
    for service, prefix in SERVICES.items():
        for operation in session.client(service).meta.service_model.operation_names:
            operations.setdefault(xform_name(operation), set()).add(f"{prefix}:{operation}")
    # The state machines' tags; those of log groups are CloudFormation's business.
    operations["list_tags_for_resource"] = {"states:ListTagsForResource"}
    operations.pop("publish")  # of metrics that a linter keeps: nothing here sends to a topic
    names = (name for path in _modules() for name in _called(path))
    return {call for name in names for call in operations.get(name, ())}


def buckets_without_owner() -> list[str]:
    """Return the calls in the sources that name a bucket and not whose it is; CreateBucket cannot."""
    return [
        f"{path.name}:{node.lineno}"
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and "Bucket" in (names := {keyword.arg for keyword in node.keywords})
        and "ExpectedBucketOwner" not in names
        and getattr(node.func, "attr", "") != "create_bucket"
    ]


def _modules() -> list[Path]:
    """Return the modules of deployment/ and its rooms, but of those that reach AWS only by way of the emulator."""
    found = sorted((PROJECT / "deployment").rglob("*.py"))
    return [path for path in found if path.parent.name != "emulator"]


def _called(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_paginator = node.func.attr == "get_paginator" and isinstance(node.args[0], ast.Constant)
            yield str(node.args[0].value) if is_paginator else node.func.attr  # type: ignore[attr-defined]
