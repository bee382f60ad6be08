"""Asking S3 for a restored copy of an archived source; the run after the restore copies it.

A request that was sent before is no harm: S3 then says that the restore is under way, or lets the restored copy stay longer.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import code_of, is_missing_key
from lambda_functions.shared.option_rules import Restore
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.heads import is_proved_missing
from lambda_functions.shared.work_items import ToCopy

ALREADY_ASKED_FOR = "RestoreAlreadyInProgress"
# Of a class, or in a tier, from which nothing has to be restored.
NOT_ARCHIVED = ("InvalidObjectState", "ObjectAlreadyInActiveTierError")


def ask_for_restore(clients: Clients, run: Run, item: ToCopy) -> Outcome | None:
    """Have an object restored; return "restoring", "vanished", or None where it turns out not to be archived any more.

    Raises ClientError for whatever else S3 says.
    """
    restore = run.options.restore
    assert restore is not None, "only a run with this option plans a restore"
    tier = restore.tier_of(item.storage_class)
    try:
        _send(clients, run, item, restore, tier)
    except ClientError as error:
        if code_of(error) == ALREADY_ASKED_FOR:
            return Outcome(item.key, "restoring", item.size, "its restore had been asked for already")
        if code_of(error) in NOT_ARCHIVED:  # it was written anew since it was listed
            return None
        if is_missing_key(error) or is_proved_missing(clients.source, run.source, item.key, error):
            return Outcome(item.key, "vanished", 0, "the source object was gone when it was to be restored")
        raise
    days = f"{restore.days} day{'' if restore.days == 1 else 's'}"
    return Outcome(item.key, "restoring", item.size, f"a restored copy was asked for ({tier}, for {days})")


def _send(clients: Clients, run: Run, item: ToCopy, restore: Restore, tier: str) -> None:
    request = {"Days": restore.days, "GlacierJobParameters": {"Tier": tier}}
    clients.source.restore_object(**run.source.object_parameters(item.key), RestoreRequest=request)
