"""What the owners of two buckets and their keys have to attach, so that the functions may sync them: pure, documents from facts.

Inside one account a role needs no more than its own policy, so nothing is attached to a bucket there. Across accounts both sides
have to allow a request, the role's policy and the bucket's or key's own:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
The principal is the account, narrowed to our roles by `aws:PrincipalArn`: a role that is named as a principal itself must exist
when the policy is written, and is not meant any more once it was made anew under its old name.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.build import data_access
from deployment.build.data_access import BUCKETS, KEYS, OBJECTS, Access
from deployment.build.policies import document
from lambda_functions.shared.options import Options

BUCKET_POLICY, KEY_POLICY, OWNERSHIP = "bucket policy", "key policy", "object ownership"
ENFORCED = "BucketOwnerEnforced"

# Partitions whose service names under kms:ViaService are documented to end so.
_VIA_SERVICE = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com"}
_OWN_KEY = "only if the key policy does not let IAM policies decide (the one that AWS makes by default does)"
_UNKNOWN_OWNERSHIP = "only if the bucket has another setting; this one is the default of S3"


@dataclass(frozen=True)
class Side:
    """One bucket of a sync: its account, the ARN of its KMS key (None: no key), and its Object Ownership (None: not known)."""

    bucket: str
    prefix: str
    account: str
    key: str | None = None
    ownership: str | None = None


@dataclass(frozen=True)
class Reader:
    """Who asks: the account of the functions, and the ARN of each function's role by its logical id; none: not deployed."""

    account: str
    partition: str
    stack_name: str
    roles: Mapping[str, str]

    def principals(self, functions: Iterable[str]) -> list[str]:
        """Return the ARNs of these functions' roles, or the pattern of all roles of the stack."""
        found = sorted(self.roles[name] for name in functions if name in self.roles)
        return found or [f"arn:{self.partition}:iam::{self.account}:role/{self.stack_name}-*"]


@dataclass(frozen=True)
class Document:
    """Something to attach: its kind, the account whose it is, the bucket's name or the key's ARN, and the JSON.

    `when` says in which case only it is needed, and is empty where it is needed in any.
    """

    kind: str
    account: str
    on: str
    body: Mapping[str, Any]
    when: str = ""


def documents(
    sides: Mapping[str, Side], reader: Reader, access: Sequence[Access], options: Options
) -> tuple[Document, ...]:
    """Return all that is to be attached, one document a bucket or key; `sides` are `source` and `destination`."""
    policies: dict[str, list[dict[str, Any]]] = {}
    owners = {side.bucket: side.account for side in sides.values()}
    for name, side in sides.items():
        if side.account != reader.account:
            statements = _bucket_statements(name, side, reader, data_access.needed(access, options, name))
            policies.setdefault(side.bucket, []).extend(statements)
    found = [
        Document(BUCKET_POLICY, owners[bucket], bucket, document(policy))
        for bucket, policy in policies.items()
    ]
    return (*found, *_ownership(sides["destination"], reader, options), *_key_policies(sides, reader, access))


def _bucket_statements(
    name: str, side: Side, reader: Reader, needed: Sequence[Access]
) -> list[dict[str, Any]]:
    """The statements for one bucket; s3:prefix is a key of listings only, so what else asks the bucket stands apart."""
    bucket, objects = BUCKETS[name], OBJECTS[name]
    listing, under = ("s3:ListBucket",), _escaped(side.prefix)
    apart = ("s3:DeleteObject", "s3:PutObjectAcl")
    arn = f"arn:{reader.partition}:s3:::{side.bucket}"
    by_prefix = {"StringLike": {"s3:prefix": f"{under}*"}} if under else {}
    full_control = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    rest = "Reads" if name == "source" else "Writes"
    parts: list[tuple[str, list[Access], str, dict[str, Any]]] = [
        ("Lists", [one for one in needed if one.place == bucket and one.action in listing], arn, by_prefix),
        ("Asks", [one for one in needed if one.place == bucket and one.action not in listing], arn, {}),
        (rest, [one for one in needed if one.place == objects and one.action not in apart], "", {}),
        ("Deletes", [one for one in needed if one.action == "s3:DeleteObject"], "", {}),
        ("GivesTheOwnerFullControl", [one for one in needed if one.action == apart[1]], "", full_control),
    ]
    return [
        _statement(f"{what}{_suffix(side.prefix)}", given, reader, where or f"{arn}/{under}*", condition)
        for what, given, where, condition in parts
        if given
    ]


def _statement(
    what: str, given: Sequence[Access], reader: Reader, resource: str, condition: Mapping[str, Any]
) -> dict[str, Any]:
    functions = {function for one in given for function in one.functions}
    return {
        "Sid": f"SyncBuckets{what}",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{reader.partition}:iam::{reader.account}:root"},
        "Action": sorted({one.action for one in given}),
        "Resource": resource,
        "Condition": {"ArnLike": {"aws:PrincipalArn": reader.principals(functions)}, **condition},
    }


def _ownership(destination: Side, reader: Reader, options: Options) -> list[Document]:
    """Copies in a bucket with ACLs belong to whoever wrote them, unless the bucket's owner owns everything in it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
    """
    if destination.account == reader.account or options.acl or destination.ownership == ENFORCED:
        return []
    body = {"Rules": [{"ObjectOwnership": ENFORCED}]}
    when = "" if destination.ownership else _UNKNOWN_OWNERSHIP
    return [Document(OWNERSHIP, destination.account, destination.bucket, body, when)]


def _key_policies(sides: Mapping[str, Side], reader: Reader, access: Sequence[Access]) -> list[Document]:
    """What is read is decrypted; writing needs a data key, and writing in parts reads what was written.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    by_key: dict[str, list[Access]] = {}
    for name, side in sides.items():
        if side.key:
            users = {function for one in access if one.place == OBJECTS[name] for function in one.functions}
            actions = ("kms:Decrypt",) if name == "source" else ("kms:Decrypt", "kms:GenerateDataKey")
            by_key.setdefault(side.key, []).extend(
                Access(one.action, KEYS, one.functions & users)
                for one in access
                if one.place == KEYS and one.action in actions
            )
    return [_key_policy(key, given, reader) for key, given in by_key.items()]


def _key_policy(key: str, given: Sequence[Access], reader: Reader) -> Document:
    """S3 calls KMS in the region of the key, which is that of the bucket.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    account, region = account_of(key), region_of(key)
    domain = _VIA_SERVICE.get(reader.partition)
    via = {"StringEquals": {"kms:ViaService": f"s3.{region}.{domain}"}} if domain else {}
    body = document([_statement("UsesTheKey", given, reader, "*", via)])
    return Document(KEY_POLICY, account, key, body, _OWN_KEY if account == reader.account else "")


def account_of(key: str) -> str:
    """Return the account in the ARN of a key."""
    return key.split(":")[4]


def region_of(key: str) -> str:
    """Return the region in the ARN of a key."""
    return key.split(":")[3]


def _escaped(prefix: str) -> str:
    """Return a prefix in which `*`, `?` and `$` stand for themselves.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
    """
    return re.sub(r"[*?$]", lambda found: f"${{{found[0]}}}", prefix)


def _suffix(prefix: str) -> str:
    """What tells the statements for several prefixes of a bucket apart; a Sid has letters and digits only."""
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", prefix))[:40]
