"""What `fab policies` works on, made up: an S3 that tells of buckets by who owns them, and a stack with the functions' roles."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from places import PROJECT

from deployment.aws.installation import Installation
from deployment.build import data_access
from deployment.command_line import sync_flags
from deployment.console import Console
from deployment.project import front_matter
from deployment.project.settings import Settings
from deployment.tasks.runs import sync_input
from deployment.tasks.stack import policies
from tests.installations import ACCOUNT_ID, REGION, installed

THEIRS = "444455556666"
_CODES = {
    "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
    "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
}


@dataclass
class Owned:
    """A bucket; `silent` are the calls that S3 refuses to answer, `*` all of them."""

    owner: str = ACCOUNT_ID
    region: str = REGION
    payer: str = "BucketOwner"
    ownership: str | None = "BucketOwnerEnforced"
    encryption: Mapping[str, str] | None = None
    silent: tuple[str, ...] = ()


class FakeS3Client:
    """The four reads; another account's bucket answers 403 unless its owner is named, and then too if it is `silent`."""

    def __init__(self, **buckets: Owned) -> None:
        self.buckets = {name.replace("_", "-"): bucket for name, bucket in buckets.items()}
        self.called: list[str] = []

    def head_bucket(self, **where: str) -> dict[str, Any]:
        return {"BucketRegion": self._bucket("head_bucket", **where).region}

    def get_bucket_request_payment(self, **where: str) -> dict[str, Any]:
        return {"Payer": self._bucket("get_bucket_request_payment", **where).payer}

    def get_bucket_ownership_controls(self, **where: str) -> dict[str, Any]:
        ownership = self._bucket("get_bucket_ownership_controls", **where).ownership
        if ownership is None:
            raise refused(404, _CODES["get_bucket_ownership_controls"])
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}

    def get_bucket_encryption(self, **where: str) -> dict[str, Any]:
        encryption = self._bucket("get_bucket_encryption", **where).encryption
        if encryption is None:
            raise refused(404, _CODES["get_bucket_encryption"])
        rule = {"ApplyServerSideEncryptionByDefault": dict(encryption)}
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    def _bucket(self, call: str, **where: str) -> Owned:
        self.called.append(f"{call} {where['Bucket']}")
        bucket = self.buckets.get(where["Bucket"])
        if bucket is None:
            raise refused(404, "404" if call == "head_bucket" else "NoSuchBucket")
        if where["ExpectedBucketOwner"] != bucket.owner or {call, "*"} & set(bucket.silent):
            raise refused(403, "403" if call == "head_bucket" else "AccessDenied")
        return bucket


class FakeStack:
    """CloudFormation with the roles of these functions, by default all that use data buckets; none: no stack."""

    def __init__(self, *functions: str) -> None:
        self._functions = functions

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if not self._functions:
            message = f"Stack with id {StackName} does not exist"
            error = {"Code": "ValidationError", "Message": message}
            raise ClientError({"Error": error}, "DescribeStacks")
        tag = {"Key": "syncbuckets:stack", "Value": StackName}
        return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "StackId": "stack-id", "Tags": [tag]}]}

    def get_paginator(self, operation: str) -> FakeStack:
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:
        assert StackName == "stack-id"
        return [{"StackResourceSummaries": [_role(name) for name in self._functions]}]


def _role(function: str) -> dict[str, str]:
    physical = f"sync-buckets-{function}Role-1A2B3C4D5E6F"
    kind = "AWS::IAM::Role"
    return {
        "LogicalResourceId": f"{function}Role",
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "ResourceStatus": "CREATE_COMPLETE",
    }


def users() -> list[str]:
    """Return the logical ids of the functions that use data buckets."""
    access = data_access.read(front_matter.read_all(PROJECT / "lambda_functions"))
    return sorted({function for one in access for function in one.functions})


def refused(status: int, code: str) -> ClientError:
    """Return S3's refusal."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Asking")


def installation(
    s3: FakeS3Client, stack: FakeStack | None = None, settings: Settings | None = None
) -> Installation:
    """Return an installation with this S3 and this stack."""
    return installed(settings, s3=s3, cloudformation=stack or FakeStack(*users()))


def said(command: str, where: Installation, width: int | None = None) -> str:
    """Return what a command writes to standard output: words and flags as they are typed, `fab policies ...`."""
    _, task, *words = shlex.split(command)
    assert task == "policies"
    typed = _typed(words)
    own = {
        side: policies.flags_of(side, typed.pop(f"{side}_account", None), typed.pop(f"{side}_kms_key", None))
        for side in policies.SIDES
    }
    as_json = bool(typed.pop("json", False))
    given = sync_input.read(policies.read_input(sync_flags.given_options(typed), where.settings))
    out = Terminal() if width else io.StringIO()
    policies.show(where, PROJECT, given, own, Console(out, io.StringIO(), width=width), as_json)
    return out.getvalue()


class Terminal(io.StringIO):
    """A standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _typed(words: list[str]) -> dict[str, Any]:
    """Return the parameters of the task, as Invoke would give them."""
    found: dict[str, Any] = {}
    places, waiting = iter(policies.SIDES), list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("--"):
            found[next(places)] = word
        elif waiting and not waiting[0].startswith("--") and not word.startswith(("--no-", "--json")):
            found[word[2:].replace("-", "_")] = waiting.pop(0)
        else:
            found[word[2:].replace("-", "_")] = True
    return found
