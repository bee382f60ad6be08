"""Everything that is fuzzed, in the order of the table."""

from __future__ import annotations

from . import (
    configurations,
    events_and_times,
    finished_runs,
    inputs,
    keys_and_parts,
    listings,
    run_files,
    sources,
)

TARGETS = (
    *inputs.TARGETS,
    *sources.TARGETS,
    *configurations.TARGETS,
    *listings.TARGETS,
    *keys_and_parts.TARGETS,
    *finished_runs.TARGETS,
    *run_files.TARGETS,
    *events_and_times.TARGETS,
)
