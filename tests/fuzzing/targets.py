"""Everything that is fuzzed, in the order of the table."""

from __future__ import annotations

from . import finished_runs, inputs, listings, run_files, sources

TARGETS = (
    *inputs.TARGETS,
    *sources.TARGETS,
    *listings.TARGETS,
    *finished_runs.TARGETS,
    *run_files.TARGETS,
)
