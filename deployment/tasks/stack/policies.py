"""`fab policies`: what the owners of two buckets and of their keys have to attach, by who owns what.

Only reads. Asks S3 about each bucket and the stack about its roles; what may not be asked is taken from flags, and what is not
known then is said. `build.bucket_policies` makes the documents, `policy_text` shows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.aws import bucket_facts
from deployment.aws.bucket_facts import BucketFacts
from deployment.aws.installation import Installation
from deployment.build import bucket_policies, data_access
from deployment.build.bucket_policies import Reader, Side
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ConfigurationError
from deployment.project import front_matter
from deployment.project.settings import Settings
from deployment.tasks.stack import policy_notes, policy_text
from deployment.tasks.stack.policy_text import Answer
from deployment.tasks.syncs import named_input
from deployment.text import short_repr
from lambda_functions.shared import options as inputs
from lambda_functions.shared.options import Options

SIDES = ("source", "destination")
_ACCOUNT = re.compile(r"[0-9]{12}")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")
_KEY_ID = re.compile(r"[A-Za-z0-9-]+")
_KEY_EXAMPLE = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True)
class Flags:
    """What was said of a side instead of asking: the account that owns the bucket, and the ARN of its key."""

    account: str | None = None
    key: str | None = None


def flags_of(side: str, account: str | None, key: str | None) -> Flags:
    """Return the flags of a side; raise ConfigurationError for what is no account and no key."""
    if account is not None and not _ACCOUNT.fullmatch(account):
        raise ConfigurationError(
            f"--{side}-account is {short_repr(account)}; expected the 12 digits of an AWS account, such as 111122223333."
        )
    if key is not None and not _KEY_ARN.fullmatch(key):
        raise ConfigurationError(
            f"--{side}-kms-key is {short_repr(key)}; expected the ARN of a KMS key, such as {_KEY_EXAMPLE}. "
            "Aliases do not work in policies."
        )
    return Flags(account, key)


def read_input(typed: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the options of the sync that the only word names, or those typed; flags overrule what an entry says."""
    if typed.get("source") is None:
        raise ConfigurationError(
            "Policies for which buckets? Write `fab policies SOURCE DESTINATION`, or `fab policies NAME` with a name of SYNCS."
        )
    if typed.get("destination") is not None:
        return dict(typed)
    sync = named_input.find(settings.syncs, typed["source"], "policies")
    entry = {option: value for option, value in sync.input.items() if option in inputs.NAMES}
    return {**entry, **{option: value for option, value in typed.items() if option != "source"}}


def show(
    installation: Installation,
    project: Path,
    given: Mapping[str, Any],
    flags: Mapping[str, Flags],
    console: Console,
    as_json: bool = False,
) -> None:
    """Write everything to be attached to stdout, as sentences and JSON or as one JSON document; `given` is a judged input."""
    answer = find(installation, project, inputs.parse(given, {}), flags)
    if as_json:
        console.result(policy_text.as_json(installation, answer))
    else:
        policy_text.write(installation, answer, console)


def find(installation: Installation, project: Path, options: Options, flags: Mapping[str, Flags]) -> Answer:
    """Return the sides, the documents and what else is to be known; raise ConfigurationError for what cannot be right."""
    facts, sides = {}, {}
    for name in SIDES:
        owner = _owner(installation, name, options, flags[name])
        facts[name] = bucket_facts.ask(installation, getattr(options, name), owner)
        _require_owner(installation, name, getattr(options, name), owner, facts[name])
        sides[name] = _side(installation, name, options, flags[name], owner, facts[name])
    _require_one_owner(sides)
    access = data_access.read(front_matter.read_all(project / "lambda_functions"))
    users = {function for one in access for function in one.functions}
    roles = _roles(installation)
    reader = Reader(installation.account_id, installation.partition, installation.stack_name, roles)
    found = bucket_policies.documents(sides, reader, access, options)
    notes = policy_notes.notes(installation.settings, sides, facts, options, reader, users)
    return Answer(sides, facts, found, notes)


def _owner(installation: Installation, name: str, options: Options, flags: Flags) -> str:
    said: str | None = getattr(options, f"{name}Owner")
    if flags.account and said and flags.account != said:
        raise ConfigurationError(
            f"--{name}-account is {flags.account} and the sync's {name}Owner is {said}; expected one account. "
            f"Leave --{name}-account out, or correct the sync."
        )
    return flags.account or said or installation.account_id


def _require_owner(
    installation: Installation, name: str, bucket: str, owner: str, facts: BucketFacts
) -> None:
    """Refuse to guess whose a bucket is, and an account that S3 knows to be wrong."""
    if facts.is_owners:
        return
    ours = installation.account_id
    if owner == ours:
        raise ConfigurationError(
            f"S3 answers 403 to every question about {bucket}: it belongs to another account, or these credentials may not "
            f"ask. Say whose it is, for example --{name}-account 111122223333."
        )
    if bucket_facts.is_owned_by(installation, bucket, ours):
        raise ConfigurationError(
            f"{bucket} belongs to {ours}, the account of these credentials, and not to {owner}. Correct or leave out "
            f"--{name}-account (or {name}Owner in the input)."
        )


def _side(
    installation: Installation, name: str, options: Options, flags: Flags, owner: str, facts: BucketFacts
) -> Side:
    bucket = getattr(options, name)
    prefix = options.prefix if name == "source" else options.destinationPrefix
    named = _named_key(name, options, flags, facts)
    region = facts.region or installation.region
    key = None
    if named and _KEY_ARN.fullmatch(named):
        key = named
    elif named and _KEY_ID.fullmatch(named):
        key = f"arn:{installation.partition}:kms:{region}:{owner}:key/{named}"
    if key and facts.region and bucket_policies.region_of(key) != facts.region:
        raise ConfigurationError(
            f"The key {key} is in {bucket_policies.region_of(key)} and {bucket} in {facts.region}; a bucket's key is in the "
            f"bucket's own region. Correct --{name}-kms-key."
        )
    return Side(bucket, prefix, owner, key, facts.ownership)


def _named_key(name: str, options: Options, flags: Flags, facts: BucketFacts) -> str | None:
    """The key as somebody named it: a flag, the sync itself, the bucket's default encryption."""
    if name == "destination" and options.serverSideEncryption == "AES256":
        return None
    of_the_sync = options.sseKmsKeyId if name == "destination" else None
    return flags.key or of_the_sync or facts.key


def _require_one_owner(sides: Mapping[str, Side]) -> None:
    source, destination = (sides[name] for name in SIDES)
    if source.bucket == destination.bucket and source.account != destination.account:
        raise ConfigurationError(
            f"{source.bucket} is both source and destination, so it has one owner; --source-account says {source.account} and "
            f"--destination-account {destination.account}. Give both the same account."
        )


def _roles(installation: Installation) -> dict[str, str]:
    """The ARNs of the functions' roles by the functions' logical ids; none where the stack is not there."""
    description = lookup.find(installation)
    if description is None or lookup.is_leftover(description):
        return {}
    arn = f"arn:{installation.partition}:iam::{installation.account_id}:role"
    return {
        summary["LogicalResourceId"].removesuffix("Role"): f"{arn}/{summary['PhysicalResourceId']}"
        for summary in lookup.resources_of(installation, description)
        if summary["ResourceType"] == "AWS::IAM::Role" and summary.get("PhysicalResourceId")
    }
