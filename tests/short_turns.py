"""Comparisons in little: pages of a few keys, and turns that end after a few of them."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_functions.shared.invocation import LambdaContext, Turn

# How often a comparison looks at the clock for each page that comes.
LOOKS_A_PAGE = 2


def short_pages(patch: pytest.MonkeyPatch, keys: int) -> None:
    """Let a page have so many keys, and a piece no more at hand while it asks for the next."""
    patch.setattr("lambda_functions.shared.s3.listing.PAGE_KEYS", keys)
    patch.setattr("lambda_functions.shared.compare.pieces.KEYS_AHEAD", keys)


def pages_a_turn(patch: pytest.MonkeyPatch, first: float, later: float) -> None:
    """Let the turn of `list_ranges` begin no page after so many of both sides have come, and those of `compare_listings`."""
    patch.setattr("lambda_functions.list_ranges.Turn", turns_of(first))
    patch.setattr("lambda_functions.compare_listings.Turn", turns_of(later))


def turns_of(pages: float) -> Any:
    """Return what makes turns that are over after so many pages."""

    def of(context: LambdaContext, budget_seconds: float | None = None) -> Turn:
        looks = itertools.count()
        return Turn(0.0, pages * LOOKS_A_PAGE, context.aws_request_id, lambda: float(next(looks)))

    return SimpleNamespace(of=of)
