"""The work bucket: for run folders, leases and what Step Functions writes, and closed to the roles of other installations.

The part of `template` that keeps what runs write. Its name is made by CloudFormation, so no other installation can say it in a
policy of its own; that is why the bucket itself says who may not come in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployment.build import policies
from deployment.project.settings import Settings
from deployment.project.tags import tags_of, upper_case_list

Resource = dict[str, Any]


def make(settings: Settings, resources: Mapping[str, Resource]) -> dict[str, Resource]:
    """Return the bucket and its policy, which lets the roles of `resources` in; emptied by us before the stack is deleted."""
    return {
        "WorkBucket": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": _properties(settings),
        },
        "WorkBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "WorkBucket"}, "PolicyDocument": _policy(resources)},
        },
    }


def _policy(resources: Mapping[str, Resource]) -> dict[str, Any]:
    arns = [policies.sub("${WorkBucket.Arn}"), policies.sub("${WorkBucket.Arn}/*")]
    return policies.document(
        [policies.tls_only(arns), policies.keep_installations_out(arns, _roles(resources))]
    )


def _roles(resources: Mapping[str, Resource]) -> list[Any]:
    """The ARNs of the stack's roles: of the state machines, and of each function its own, SAM's, or what its file names."""
    functions = {
        logical_id: resource["Properties"]
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    return [
        *(
            one.get("Role", {"Fn::GetAtt": [f"{logical_id}Role", "Arn"]})
            for logical_id, one in functions.items()
        ),
        {"Fn::GetAtt": ["StateMachineRole", "Arn"]},
    ]


def _properties(settings: Settings) -> dict[str, Any]:
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    forget = {
        "Id": "ForgetRuns",
        "Status": "Enabled",
        "ExpirationInDays": settings.run_retention_days,
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    return {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {"Rules": [forget]},
        "Tags": upper_case_list(tags_of(settings)),
    }
