"""What storage classes mean for a run: copies that cannot have their source's, and archived sources that have to be restored.

Pure. Prices in US dollars of us-east-1, as of November 2026: https://aws.amazon.com/s3/pricing/
https://repost.aws/knowledge-center/s3-manage-data-retrieval (S3 Glacier Flexible Retrieval is GLACIER in the API, S3 Glacier Deep
Archive DEEP_ARCHIVE). Not in them: the restored copy, which is paid as S3 Standard for each of its days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lambda_functions.shared.option_rules import SLOW_ARCHIVE, Restore
from lambda_functions.shared.outcomes import add_tallies, pluralize

# Dollars for a request, and for a GB of what it restores.
_PRICES = {
    ("GLACIER", "Expedited"): (10.00 / 1000, 0.03),
    ("GLACIER", "Standard"): (0.05 / 1000, 0.01),
    ("GLACIER", "Bulk"): (0.0, 0.0),
    ("DEEP_ARCHIVE", "Standard"): (0.10 / 1000, 0.02),
    ("DEEP_ARCHIVE", "Bulk"): (0.025 / 1000, 0.0025),
}
_GB = 1024**3

# `{"GLACIER": {"objects": 3, "bytes": 12}}`
Amounts = Mapping[str, Mapping[str, int]]


def restore_usd(storage_class: str, objects: int, size_bytes: int, tier: str) -> float:
    """Return dollars for asking for so many objects of a class, GLACIER or DEEP_ARCHIVE, in a tier that it has."""
    per_request, per_gb = _PRICES[storage_class, tier]
    return objects * per_request + size_bytes / _GB * per_gb


def planned_restores_usd(restores: Amounts, restore: Restore | None) -> float:
    """Return dollars for all restores of a plan, by class; 0 where none is asked for."""
    if restore is None:
        return 0.0
    return sum(
        restore_usd(name, amount["objects"], amount["bytes"], restore.tier_of(name))
        for name, amount in restores.items()
    )


def total_of(restores: Iterable[Amounts]) -> dict[str, int]:
    """Return `{"objects", "bytes"}` of all classes together."""
    whole = add_tallies({"all": amount} for amounts in restores for amount in amounts.values())
    return whole.get("all", {"objects": 0, "bytes": 0})


def class_warnings(
    as_standard: Mapping[str, int], restores: Amounts, restore: Restore | None
) -> Iterator[str]:
    """Yield what is done otherwise than the classes of the sources, or the tier of a restore, would have it."""
    for name, number in sorted(as_standard.items()):
        yield (
            f"{pluralize(number)} to copy {'has' if number == 1 else 'have'} the storage class {name}, which nobody can write: "
            f"{'its copy is' if number == 1 else 'their copies are'} STANDARD."
        )
    slow = restores.get(SLOW_ARCHIVE, {"objects": 0})["objects"]
    if slow and restore and restore.tier_of(SLOW_ARCHIVE) != restore.tier:
        yield (
            f"{pluralize(slow)} to restore {'is' if slow == 1 else 'are'} in {SLOW_ARCHIVE}, which has no {restore.tier}: "
            f"the tier there is {restore.tier_of(SLOW_ARCHIVE)}."
        )
