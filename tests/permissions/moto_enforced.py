"""Runs on moto with IAM enforced: every handler works with the credentials of its own role, as the template makes it.

moto asks for one action a call, less than AWS, so a run that passes shows that the policies are enough for moto, and never that
one of their actions is not needed. Twice it asks for something that AWS does not: HeadBucket for `s3:HeadBucket`, which IAM does
not have (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html), and DeleteObjects for `s3:DeleteObject` on the
bucket instead of its objects (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html). The roles here get those
where they have what AWS asks for. It cannot read the question marks in the ARNs of executions, which are stars here; no run here
is an execution of moto's, so none is known there, and none meets another's lease.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import buckets
import pytest
from iam_grants import ACCOUNT, NARROW, REGION, role_of, specs, statements
from machine_on_moto import FakeContext, client
from moto import mock_aws
from moto.core import enable_iam_authentication
from moto.core.botocore_stubber import BotocoreStubber
from runs_on_fake_s3 import World
from wire import moto_unless_answered, stored

from deployment.build.policies import document
from lambda_functions.shared.s3 import clients

Change = Callable[[str, list[dict[str, Any]]], list[dict[str, Any]]]


class EnforcedWorld(World):
    """The three buckets of a run on moto, and the order of the state machine."""

    sessions: Mapping[str, boto3.Session]

    def _invoke(self, name: str, event: Mapping[str, Any]) -> Any:
        handler = importlib.import_module(f"lambda_functions.{name}").handler
        session = self.sessions[name]
        with mock.patch.object(clients, "_session", lambda: session), enable_iam_authentication():
            return json.loads(json.dumps(handler(json.loads(json.dumps(event)), FakeContext())))

    def _items(self, index: str) -> Iterable[Mapping[str, Any]]:
        items: Iterable[Mapping[str, Any]] = json.loads(stored(self.work.name, index).value)
        return items


@contextlib.contextmanager
def enforced(change: Change = lambda name, found: found) -> Iterator[EnforcedWorld]:
    """Yield a fresh moto with the roles of the template; `change(function, statements)` may alter what they allow."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
        patch.setattr(BotocoreStubber, "__call__", moto_unless_answered(BotocoreStubber.__call__))
        made = [_bucket(name) for name in ("source-bucket", "destination-bucket", "work-bucket")]
        world = EnforcedWorld(SimpleNamespace(later=lambda: None, clock=datetime.now(UTC)), *made)
        world.sessions = {spec.name: _session(spec.name, change) for spec in specs()}
        yield world


def _bucket(name: str) -> Any:
    made = buckets.make(name)
    object.__setattr__(made, "region", REGION)
    return made


def _session(name: str, change: Change) -> Any:
    """A session that has taken the role of a function."""
    (spec,) = [spec for spec in specs() if spec.name == name]
    allowed = change(name, [_as_moto_asks(one) for one in statements(role_of(spec, NARROW))])
    trust = document([{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}])
    iam = client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document(allowed)))
    taken = client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
    session = boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], REGION)
    return SimpleNamespace(client=functools.cache(session.client))


def _as_moto_asks(statement: dict[str, Any]) -> dict[str, Any]:
    actions, arns = list(statement["Action"]), list(statement["Resource"])
    if "s3:ListBucket" in actions:
        actions.append("s3:HeadBucket")
    if "s3:DeleteObject" in actions:
        arns += [arn.removesuffix("/*") for arn in arns]
    return {**statement, "Action": actions, "Resource": [re.sub(r"[?]+", "*", arn) for arn in arns]}
