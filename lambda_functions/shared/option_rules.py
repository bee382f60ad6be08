"""What is expected of each value of an input, option by option. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lambda_functions.shared.bucket_names import bucket_problem
from lambda_functions.shared.filter_rules import (
    STORAGE_CLASSES,
    classes_problem,
    moment_problem,
    overwrite_problem,
    size_problem,
)
from lambda_functions.shared.spelling import JSON, Spelling, has_half_a_character

HALF_A_CHARACTER = "it has half a character (a lone surrogate), which no key can have"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES = 1024
# Children of one Map Run: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_CONCURRENCY = 10_000
# More than a limit that anybody means; it keeps what is written as a number from being no number (NaN, Infinity).
MAX_COST_USD = 10**9

KMS_WORDS = ("aws:kms", "aws:kms:dsse")
# How fast an archived object is restored: https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html
RESTORE_TIERS = ("Bulk", "Standard", "Expedited")
# Of S3 Glacier Deep Archive, which knows no Expedited: https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
SLOW_ARCHIVE = "DEEP_ARCHIVE"
MAX_RESTORE_DAYS = 365
_ACCOUNT = re.compile(r"[0-9]{12}")
# A header carries it: an ARN, an id, or an alias.
_KMS_KEY = re.compile(r"[!-~]{1,2048}")
# What a schedule of EventBridge may be called, without its dots:
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html#scheduler-CreateSchedule-request-Name
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PERCENT = re.compile(r"([0-9]{1,2}(\.[0-9]+)?|100(\.0+)?)%")


@dataclass(frozen=True)
class Restore:
    """What archived sources are asked for: a copy that stays for `days`, and `tier`, how soon it is there."""

    days: int
    tier: str

    def tier_of(self, storage_class: str) -> str:
        """Return the tier for an object of this class: DEEP_ARCHIVE has no Expedited, so Standard there, its fastest."""
        has_no_expedited = storage_class == SLOW_ARCHIVE and self.tier == "Expedited"
        return "Standard" if has_no_expedited else self.tier


def written_class(storage_class: str) -> str:
    """Return the class of a copy that is to have its source's: STANDARD where that is one that nobody can write.

    Listings also tell of classes that only other services write, such as AWS_BACKUP_WARM:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    return storage_class if storage_class in STORAGE_CLASSES else "STANDARD"


def _boolean_problem(value: Any) -> str | None:
    return None if isinstance(value, bool) else "expected true or false"


def _metadata_problem(value: Any) -> str | None:
    return None if isinstance(value, bool) or value == "all" else 'expected true, false or "all"'


def _key_problem(value: Any) -> str | None:
    if not isinstance(value, str):
        return "expected text"
    if has_half_a_character(value):
        return HALF_A_CHARACTER
    size = len(value.encode())
    return None if size <= MAX_KEY_BYTES else f"it has {size:,} bytes; a key has at most {MAX_KEY_BYTES:,}"


def _globs_problem(spelling: Spelling, value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(glob, str) and glob for glob in value):
        return f"expected a list of patterns, such as {spelling.patterns}"
    return HALF_A_CHARACTER if any(map(has_half_a_character, value)) else None


def max_delete_problem(value: Any) -> str | None:
    """Say what is expected of `maxDelete`, wherever it is given; None if the value is right: 0, 1000, "10%", "12.5%"."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if is_number or (isinstance(value, str) and _PERCENT.fullmatch(value)):
        return None
    return 'expected a number of objects, such as 1000, or a share of the destination, such as "10%"'


def _cost_problem(value: Any) -> str | None:
    is_right = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_COST_USD
    return None if is_right else "expected an amount of US dollars, such as 20 or 0.5"


def _concurrency_problem(value: Any) -> str | None:
    is_right = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_CONCURRENCY
    return None if is_right else f"expected a whole number from 1 to {MAX_CONCURRENCY:,}"


def _account_problem(spelling: Spelling, value: Any) -> str | None:
    is_right = isinstance(value, str) and _ACCOUNT.fullmatch(value)
    return (
        None
        if is_right
        else f'expected the 12 digits of an AWS account{spelling.as_text}, such as "111122223333"'
    )


def name_problem(value: Any) -> str | None:
    """Say what is expected of the name of a sync; None if it is right."""
    is_right = isinstance(value, str) and NAME.fullmatch(value)
    return None if is_right else "expected 1 to 64 letters from A to Z, digits, underscores and hyphens"


def _kms_key_problem(spelling: Spelling, value: Any) -> str | None:
    is_right = isinstance(value, str) and _KMS_KEY.fullmatch(value)
    return None if is_right else f"expected the ARN or id of a key of KMS{spelling.as_text}"


def _restore_problem(spelling: Spelling, value: Any) -> str | None:
    if isinstance(value, Mapping) and value.keys() == {"days", "tier"}:
        days, tier = value["days"], value["tier"]
        is_number = isinstance(days, int) and not isinstance(days, bool)
        if is_number and 1 <= days <= MAX_RESTORE_DAYS and tier in RESTORE_TIERS:
            return None
    example = spelling.pair("restore", {"days": 7, "tier": "Bulk"})
    tiers = ", ".join(f'"{tier}"' for tier in RESTORE_TIERS)
    return f"expected days, from 1 to {MAX_RESTORE_DAYS}, and tier, one of {tiers}, such as {example}"


def _choice_problem(*words: str) -> Callable[[Any], str | None]:
    listed = ", ".join(f'"{word}"' for word in words)
    return lambda value: None if isinstance(value, str) and value in words else f"expected one of {listed}"


def _source_problem(spelling: Spelling, value: Any) -> str | None:
    return bucket_problem(spelling, "prefix", value)


def _destination_problem(spelling: Spelling, value: Any) -> str | None:
    return bucket_problem(spelling, "destinationPrefix", value)


_RULES: Mapping[str, Callable[..., str | None]] = {
    "source": _source_problem,
    "destination": _destination_problem,
    "prefix": _key_problem,
    "destinationPrefix": _key_problem,
    "startAfter": _key_problem,
    "include": _globs_problem,
    "exclude": _globs_problem,
    "minSize": size_problem,
    "maxSize": size_problem,
    "modifiedAfter": moment_problem,
    "modifiedBefore": moment_problem,
    "storageClasses": classes_problem,
    "overwrite": overwrite_problem,
    "delete": _boolean_problem,
    "maxDelete": max_delete_problem,
    "maxCostUsd": _cost_problem,
    "allowEmptySource": _boolean_problem,
    "dryRun": _boolean_problem,
    "verify": _boolean_problem,
    "compareMetadata": _metadata_problem,
    "compareTags": _boolean_problem,
    "copyTags": _boolean_problem,
    "unprovable": _choice_problem("copy", "keep"),
    "storageClass": _choice_problem("source", *STORAGE_CLASSES),
    "objectLock": _choice_problem("none", "copy"),
    "annotations": _choice_problem("none", "copy"),
    "restore": _restore_problem,
    "acl": _choice_problem("bucket-owner-full-control"),
    "serverSideEncryption": _choice_problem("AES256", *KMS_WORDS),
    "sseKmsKeyId": _kms_key_problem,
    "requestPayer": _boolean_problem,
    "maxConcurrency": _concurrency_problem,
    "sourceOwner": _account_problem,
    "destinationOwner": _account_problem,
    "name": name_problem,
}
# Those whose sentence depends on how the input is spelled, in JSON or in flags.
_SPELLED = (
    "source", "destination", "include", "exclude", "restore", "sseKmsKeyId", "sourceOwner", "destinationOwner",
)  # fmt: skip


def rules_in(spelling: Spelling) -> Mapping[str, Callable[[Any], str | None]]:
    """Return for each option what says what is expected of its value, None where the value is right."""
    return {
        name: functools.partial(rule, spelling) if name in _SPELLED else rule for name, rule in _RULES.items()
    }


RULES = rules_in(JSON)
