"""Everything that is fuzzed, in the order of the table."""

from __future__ import annotations

from . import finished_runs, inputs, listings, sources

TARGETS = (*inputs.TARGETS, *sources.TARGETS, *listings.TARGETS, *finished_runs.TARGETS)
