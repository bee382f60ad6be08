"""The option `restore`: what it may be, how it travels, and the tier that each storage class gets."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.filter_rules import STORAGE_CLASSES
from lambda_functions.shared.option_rules import RESTORE_TIERS, Restore, written_class
from lambda_functions.shared.options import Options, parse

TWO = {"source": "from", "destination": "into"}
DEFAULTS = {"maxConcurrency": 20, "maxDelete": None}
EXPECTED = (
    'expected days, from 1 to 365, and tier, one of "Bulk", "Standard", "Expedited", such as '
    '"restore": {"days": 7, "tier": "Bulk"}'
)


@pytest.mark.parametrize("tier", RESTORE_TIERS)
@pytest.mark.parametrize("days", [1, 7, 365])
def test_days_and_a_tier_are_taken_and_travel_through_json(days: int, tier: str) -> None:
    options = parse({**TWO, "restore": {"days": days, "tier": tier}}, DEFAULTS)

    assert options.restore == Restore(days, tier)
    assert options.to_json()["restore"] == {"days": days, "tier": tier}
    assert Options.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        (7, "7"),
        (None, "null"),
        ("Bulk", '"Bulk"'),
        ([], "[]"),
        ({}, "{}"),
        ({"days": 7}, '{"days": 7}'),
        ({"tier": "Bulk"}, '{"tier": "Bulk"}'),
        ({"days": 0, "tier": "Bulk"}, '{"days": 0, "tier": "Bulk"}'),
        ({"days": 366, "tier": "Bulk"}, '{"days": 366, "tier": "Bulk"}'),
        ({"days": 1.0, "tier": "Bulk"}, '{"days": 1.0, "tier": "Bulk"}'),
        ({"days": True, "tier": "Bulk"}, '{"days": true, "tier": "Bulk"}'),
        ({"days": "7", "tier": "Bulk"}, '{"days": "7", "tier": "Bulk"}'),
        ({"days": 7, "tier": "bulk"}, '{"days": 7, "tier": "bulk"}'),
        ({"days": 7, "tier": ["Bulk"]}, '{"days": 7, "tier": ["Bulk"]}'),
        ({"days": 7, "tier": "Bulk", "hours": 1}, '{"days": 7, "tier": "Bulk", "hours": 1}'),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(value: Any, shown: str) -> None:
    with pytest.raises(Refused) as refused:
        parse({**TWO, "restore": value}, DEFAULTS)
    assert refused.value.cause.startswith(f'"restore" is {shown}; {EXPECTED}. Nothing was changed.')


def test_options_that_an_earlier_deployment_has_written_have_the_defaults() -> None:
    new = parse(TWO, DEFAULTS)
    old = {
        name: value
        for name, value in new.to_json().items()
        if name not in ("objectLock", "annotations", "restore")
    }

    assert Options.from_json(old) == new
    assert (new.objectLock, new.annotations, new.restore) == ("none", "none", None)


@pytest.mark.parametrize("tier", RESTORE_TIERS)
def test_deep_archive_gets_its_fastest_tier_where_it_has_not_the_one_that_was_asked_for(tier: str) -> None:
    assert Restore(1, tier).tier_of("GLACIER") == tier
    assert Restore(1, tier).tier_of("DEEP_ARCHIVE") == ("Standard" if tier == "Expedited" else tier)


@pytest.mark.parametrize(
    "name", [*STORAGE_CLASSES, "AWS_BACKUP_WARM", "OUTPOSTS", "SNOW", "GLACIER_2031", ""]
)
def test_a_copy_keeps_a_class_that_can_be_written_and_is_standard_otherwise(name: str) -> None:
    assert written_class(name) == (name if name in STORAGE_CLASSES else "STANDARD")
