"""Requests to buckets and keys of other accounts, and what the policies of `fab policies` answer to them.

The role's own side is not judged here: `test_functions` holds it to what the calls need. A key is judged as if its policy left
nothing to IAM policies; a bucket of the functions' own account lets in whom their roles let in.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fake_s3 import Answer
from fake_s3 import Request as Sent
from fake_s3.server import OPERATIONS
from iam_calls import CALLS, Need
from iam_evaluation import Request, fits
from iam_grants import specs
from iam_recorder import Call
from runs_on_fake_s3 import World

from deployment.build import bucket_policies, data_access
from deployment.build.bucket_policies import Document, Reader, Side
from lambda_functions.shared.options import Options, parse

OURS, THEIRS = "111122223333", "444455556666"
BUCKETS = {"source": "source-bucket", "destination": "destination-bucket"}
REGIONS = {"source": "eu-west-1", "destination": "us-east-1"}
ROLES = {
    spec.logical_id: f"arn:aws:iam::{OURS}:role/sync-buckets-{spec.logical_id}Role-1A2B3C" for spec in specs()
}
READER = Reader(OURS, "aws", "sync-buckets", ROLES)
DENIED = Answer(403, "AccessDenied", "Access Denied")
EVERYTHING = {"acl": "bucket-owner-full-control", "compareTags": True}

# By name: the accounts of source and destination, and those of their keys, None for no key.
CASES: Mapping[str, tuple[str, str, str | None, str | None]] = {
    "one account": (OURS, OURS, None, None),
    "the source in another account": (THEIRS, OURS, None, None),
    "the destination in another account": (OURS, THEIRS, None, None),
    "both in another account": (THEIRS, THEIRS, None, None),
    "a key on the source side": (THEIRS, OURS, THEIRS, None),
    "a key on the destination side": (OURS, THEIRS, None, THEIRS),
    "keys in one account": (OURS, OURS, OURS, OURS),
}


def options(**more: Any) -> Options:
    """Return the options of a sync that needs everything, but for what is given."""
    return parse({**BUCKETS, **EVERYTHING, **more}, {})


def key_of(side: str, account: str) -> str:
    """Return the ARN of the key of a side."""
    return f"arn:aws:kms:{REGIONS[side]}:{account}:key/{side}"


def sides_of(case: str, wanted: Options) -> dict[str, Side]:
    """Return both sides of a case."""
    source, destination, *keys = CASES[case]
    prefixes = (wanted.prefix, wanted.destinationPrefix)
    return {
        name: Side(BUCKETS[name], prefix, account, key and key_of(name, key))
        for name, prefix, account, key in zip(BUCKETS, prefixes, (source, destination), keys, strict=True)
    }


def attached(case: str, wanted: Options, reader: Reader = READER) -> tuple[Document, ...]:
    """Return the policies of a case; Object Ownership is none."""
    found = bucket_policies.documents(sides_of(case, wanted), reader, data_access.read(specs()), wanted)
    return tuple(one for one in found if one.kind != bucket_policies.OWNERSHIP)


def statements_of(documents: Iterable[Document]) -> dict[str, list[dict[str, Any]]]:
    """Return the statements by bucket or key."""
    return {one.on: list(one.body["Statement"]) for one in documents}


class Guard:
    """Answers for buckets and keys of other accounts: `statements` by bucket or key, as they are attached."""

    def __init__(self, case: str, wanted: Options, statements: Mapping[str, list[dict[str, Any]]]) -> None:
        self._sides = sides_of(case, wanted)
        self._statements = statements

    def allows(
        self, function: str, operation: str, needs: Iterable[tuple[Need, str]], **context: str
    ) -> bool:
        """Whether a function (its file's name) may do this; needs come with the side that each is about."""
        return all(self._allows(function, need, side, context) for need, side in needs)

    def _allows(self, function: str, need: Need, side: str, context: Mapping[str, str]) -> bool:
        found = self._sides[side]
        if need.of == "keys":
            via = {"kms:ViaService": f"s3.{REGIONS[side]}.amazonaws.com"}
            return not found.key or self._fits(found.key, function, need.action, found.key, via)
        if found.account == OURS:
            return True
        key = "" if "bucket" in need.of else f"/{context.get(f'{side} key', 'key')}"
        return self._fits(found.bucket, function, need.action, f"arn:aws:s3:::{found.bucket}{key}", context)

    def _fits(self, on: str, function: str, action: str, arn: str, context: Mapping[str, str]) -> bool:
        logical_id = "".join(word.capitalize() for word in function.split("_"))
        request = Request(action, arn, {**context, "aws:PrincipalArn": ROLES[logical_id]})
        return any(fits(one, request) for one in self._statements.get(on, ()))


def needs_of(operation: str, features: Iterable[str], side: str, copied: str) -> Iterator[tuple[Need, str]]:
    """Yield what a call needs by the documentation, with the side that it is about.

    What is read from a copy source is decrypted with the source's key; CopyObject reads nothing of the destination.
    """
    for need in CALLS[operation].needs:
        if need.when and need.when not in features:
            continue
        if need.of.startswith("copy source"):
            yield need, copied
        elif need.action == "kms:Decrypt":
            yield from ((need, copied),) if copied else ()
            yield from ((need, side),) if operation != "s3:CopyObject" else ()
        else:
            yield need, side


def requests_of(calls: Iterable[Call]) -> Iterator[tuple[Call, list[tuple[Need, str]]]]:
    """Yield the recorded calls to both buckets, whose names are not like those of an installation."""
    for call in calls:
        if call.side in BUCKETS and call.operation != "s3:GetBucketTagging":
            yield call, list(needs_of(call.operation, call.features, call.side, call.copied))


def guard(world: World, guarding: Guard) -> None:
    """Let every request to both buckets be judged before it is done; who asks is the handler that runs."""
    asking = {"function": ""}

    def note(step: str, number: int) -> None:
        asking["function"] = step.partition(" ")[0]

    def judge(sent: Sent) -> Answer | None:
        sides = {bucket: side for side, bucket in BUCKETS.items()}
        if sent.bucket not in sides:
            return None
        name, _, copied_key = urllib.parse.unquote(sent.asked.get("CopySource", "")).partition("/")
        needs = list(
            needs_of(
                f"s3:{sent.operation}",
                _features(world, sent, name, copied_key),
                sides[sent.bucket],
                sides.get(name, ""),
            )
        )
        context = {f"{sides[sent.bucket]} key": sent.key, "source key": copied_key or sent.key}
        context |= {"s3:prefix": sent.asked.get("Prefix", "")} if sent.operation == "ListObjectsV2" else {}
        context |= {"s3:x-amz-acl": sent.asked["ACL"]} if "ACL" in sent.asked else {}
        keys = [one["Key"] for one in sent.asked.get("Delete", {}).get("Objects", ())] or [sent.key]
        for key in keys:
            context[f"{sides[sent.bucket]} key"] = key
            if not guarding.allows(asking["function"], sent.operation, needs, **context):
                return DENIED
        return None

    world.before_step = note
    for operation in OPERATIONS:
        world.s3.before(operation, judge, times=1_000_000)


def _features(world: World, sent: Sent, copied: str, copied_key: str) -> set[str]:
    """What of a request makes a need count: its parameters, an ETag it names, a key that is not there."""
    nested = {name for one in sent.asked.get("Delete", {}).get("Objects", ()) for name in one}
    found = {*sent.asked, *nested} | ({"if-match"} if "IfMatch" in sent.asked else set())
    missing = sent.key not in world.s3.buckets[sent.bucket].objects and sent.operation.startswith(
        ("Head", "Get")
    )
    missing |= bool(copied) and copied_key not in world.s3.buckets[copied].objects
    return found | ({"answered 404"} if missing else set())
