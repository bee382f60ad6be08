"""Everything that is fuzzed, in the order of the table."""

from __future__ import annotations

from . import inputs, listings, sources

TARGETS = (*inputs.TARGETS, *sources.TARGETS, *listings.TARGETS)
