"""Asking both buckets whether they are there, before anything else: one HeadBucket each, which also tells their regions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import Refused, status_of
from lambda_functions.shared.options import Options
from lambda_functions.shared.s3.heads import head_bucket


def regions(client: Any, options: Options) -> tuple[str | None, str | None]:
    """Return the regions of source and destination; raise `Refused("InvalidInput", ...)` where one cannot be used."""
    source = _region(client, "source", options.source, options.sourceOwner, options.requestPayer)
    return source, _region(client, "destination", options.destination, options.destinationOwner, False)


def refuse_own_buckets(options: Options, own: Collection[str]) -> None:
    """Raise `Refused` if a run would sync the buckets that it works with itself."""
    for name, bucket in (("source", options.source), ("destination", options.destination)):
        if bucket in own:
            raise Refused(
                "InvalidInput",
                f'"{name}" is "{bucket}", which SyncBuckets itself works with; expected a bucket of your own. '
                "Nothing was changed.",
            )


def _region(client: Any, name: str, bucket: str, owner: str | None, pays: bool) -> str | None:
    try:
        answer = head_bucket(client, bucket, owner, pays)
    except ClientError as error:
        if not 400 <= status_of(error) < 500 or status_of(error) == 429:
            raise
        raise Refused(
            "InvalidInput", f"{_why(name, bucket, owner, status_of(error))} Nothing was changed."
        ) from error
    region: str | None = answer.get("BucketRegion")
    return region


def _why(name: str, bucket: str, owner: str | None, status: int) -> str:
    if status == 404:
        return f'the {name} bucket "{bucket}" does not exist; check its name.'
    if status == 403:
        whose = f", or it does not belong to the account {owner}" if owner else ""
        return (
            f'the {name} bucket "{bucket}" may not be listed by SyncBuckets{whose}; expected s3:ListBucket in its policy '
            "(see docs/permissions.md)."
        )
    return f'the {name} bucket "{bucket}" answers with HTTP status {status}; expected 200.'
