"""What `fab policies` says beside its documents: what is to be set here, what S3 did not say, what no policy can give. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from deployment.aws.bucket_facts import BucketFacts
from deployment.build.bucket_policies import Reader, Side
from deployment.project.settings import Settings
from lambda_functions.shared.options import Options

_MANAGED_KEY = "alias/aws/s3"


def notes(
    settings: Settings,
    sides: Mapping[str, Side],
    facts: Mapping[str, BucketFacts],
    options: Options,
    reader: Reader,
    users: Collection[str],
) -> tuple[str, ...]:
    """Return sentences, what is to be done first; `users` are the logical ids of the functions that use the buckets."""
    return (
        *_about_settings(settings, sides),
        *_about_roles(reader, users),
        *(
            note
            for name, side in sides.items()
            for note in _about_key(name, side, facts[name], options, reader)
        ),
        *_about_payer(sides, facts, options, reader),
        *_about_acl(sides["destination"], options, reader),
    )


def _about_settings(settings: Settings, sides: Mapping[str, Side]) -> Iterator[str]:
    allowed = {"source": settings.source_buckets, "destination": settings.destination_buckets}
    for name, side in sides.items():
        if allowed[name] and side.bucket not in allowed[name]:
            yield f"Add {side.bucket} to {name.upper()}_BUCKETS in fabfile_config.py and run `fab`: the roles do not name it yet."
    keys = dict.fromkeys(
        side.key for side in sides.values() if side.key and side.key not in settings.kms_key_arns
    )
    for key in keys:
        yield f"Add {key} to KMS_KEY_ARNS in fabfile_config.py and run `fab`: the roles do not name it yet."


def _about_roles(reader: Reader, users: Collection[str]) -> Iterator[str]:
    missing = sorted(set(users) - set(reader.roles))
    if not reader.roles:
        yield (
            f"The stack {reader.stack_name} is not deployed, so its roles have no names yet: the policies allow every role whose "
            f"name begins with {reader.stack_name}-. For the exact roles run `fab`, then this again."
        )
    elif missing:
        yield f"Not deployed yet, and in no policy here: the roles of {', '.join(missing)}. Run `fab`, then this again."


def _about_key(name: str, side: Side, facts: BucketFacts, options: Options, reader: Reader) -> Iterator[str]:
    is_decided = name == "destination" and options.serverSideEncryption == "AES256"
    if side.key or is_decided or facts.key == "":
        return
    if facts.key is None:
        yield (
            f"The default encryption of {side.bucket} could not be asked. If it is a KMS key, run this again with "
            f"--{name}-kms-key and the key's ARN; with SSE-S3 nothing more is needed."
        )
    elif facts.key != _MANAGED_KEY:
        yield f"{side.bucket} is encrypted with {facts.key}, an alias. Run this again with --{name}-kms-key and the key's ARN."
    elif side.account != reader.account:
        yield (
            f"{side.bucket} is encrypted with the AWS managed key aws/s3, which no other account can use. Its owner has to "
            "encrypt it with a KMS key of their own, or with SSE-S3; objects that are there keep their key until they are copied."
        )


def _about_payer(
    sides: Mapping[str, Side], facts: Mapping[str, BucketFacts], options: Options, reader: Reader
) -> Iterator[str]:
    """An owner pays anyway; requests to a destination never agree to pay."""
    source, destination = sides["source"], sides["destination"]
    if (
        source.account != reader.account
        and not options.requestPayer
        and facts["source"].payer != "BucketOwner"
    ):
        known = facts["source"].payer == "Requester"
        start = f"{source.bucket} is requester pays" if known else f"If {source.bucket} is requester pays"
        yield f'{start}{": s" if known else ", s"}ync with --request-payer ("requestPayer": true); no policy is needed for that.'
    if destination.account != reader.account and facts["destination"].payer != "BucketOwner":
        known = facts["destination"].payer == "Requester"
        start = (
            f"{destination.bucket} is requester pays"
            if known
            else f"If {destination.bucket} is requester pays"
        )
        yield f"{start}, its owner has to switch that off: SyncBuckets pays for requests to a source only."


def _about_acl(destination: Side, options: Options, reader: Reader) -> Iterator[str]:
    if (
        destination.account != reader.account
        and not options.acl
        and destination.ownership != "BucketOwnerEnforced"
    ):
        yield (
            f"Where {destination.bucket} has to keep its ACLs, leave its object ownership alone and sync with "
            "--acl bucket-owner-full-control; run this again with that flag, which adds s3:PutObjectAcl."
        )
