"""Which files are changed, and which tests stand nearest to each: the quickest first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .changes import Change
from .other_changes import machine_changes, policy_changes
from .python_changes import python_changes

SHARED = "lambda_functions/shared"
MACHINE = "state_machines/sync_buckets_state_machine.yaml"


def _runs(names: str) -> str:
    return " ".join(f"tests/functional/runs/test_{name}.py" for name in names.split())


# A mistake there deletes or overwrites what it must not, or hides that something was not done.
DANGEROUS = {
    f"{SHARED}/apply/conflicts.py": ["tests/unit/apply", _runs("races kms own_copies large_objects")],
    f"{SHARED}/apply/deleter.py": ["tests/unit/apply", _runs("races throttling stopped_runs")],
    f"{SHARED}/compare/undecided.py": [
        "tests/unit/compare/test_undecided.py tests/unit/compare/test_compare.py",
        _runs("races tags_and_acl metadata"),
    ],
    f"{SHARED}/equality.py": ["tests/unit/shared/test_equality.py", _runs("metadata convergence")],
    f"{SHARED}/s3/etags.py": ["tests/unit/s3 tests/unit/shared/test_equality.py", _runs("kms metadata")],
    f"{SHARED}/s3/checksums.py": [
        "tests/unit/s3 tests/unit/shared/test_equality.py",
        _runs("checksum_algorithms"),
    ],
    f"{SHARED}/work_bucket/leases.py": [
        "tests/unit/work_bucket",
        _runs("runs_side_by_side lost_uploads races"),
    ],
    f"{SHARED}/work_bucket/lease_cycles.py": ["tests/unit/work_bucket", _runs("runs_side_by_side")],
    f"{SHARED}/tally/phases.py": ["tests/unit/tally", _runs("waves stopped_runs failures limits")],
    f"{SHARED}/tally/refusals.py": ["tests/unit/tally", _runs("refusals")],
}
# What the rest of the core has nearest, by the beginning of its path; the longest counts.
NEAREST = {
    **DANGEROUS,
    f"{SHARED}/apply/": [
        "tests/unit/apply tests/unit/s3",
        _runs("races large_objects unequal_parts"),
        _runs("buckets_as_they_are very_large_objects stopped_runs"),
    ],
    f"{SHARED}/apply/annotations.py": ["tests/unit/apply", _runs("annotations")],
    f"{SHARED}/apply/copier.py": ["tests/unit/apply", _runs("races one_part_uploads kms large_objects")],
    f"{SHARED}/apply/multipart.py": [
        "tests/unit/apply",
        _runs("checksum_algorithms kms large_objects races"),
    ],
    f"{SHARED}/apply/object_lock.py": ["tests/unit/apply", _runs("object_lock")],
    f"{SHARED}/apply/opening.py": ["tests/unit/apply", _runs("lost_uploads large_objects one_part_uploads")],
    f"{SHARED}/apply/restores.py": [_runs("restores")],
    f"{SHARED}/apply/uploads.py": [
        "tests/unit/apply tests/unit/tally/test_report.py",
        _runs("lost_uploads stopped_runs very_large_objects"),
    ],
    f"{SHARED}/apply/worker.py": ["tests/unit/apply", _runs("runs_side_by_side races throttling")],
    f"{SHARED}/compare/compare.py": [
        "tests/unit/compare tests/unit/shared/test_quotas.py",
        _runs("races waves list_requests"),
    ],
    f"{SHARED}/compare/plan_writer.py": [
        "tests/unit/compare tests/unit/shared/test_quotas.py",
        _runs("restores races waves very_large_objects"),
    ],
    f"{SHARED}/compare/verify.py": [
        "tests/unit/compare",
        _runs("second_comparison verified_runs verified_restores"),
    ],
    f"{SHARED}/compare/": ["tests/unit/compare", _runs("races waves list_requests")],
    f"{SHARED}/errors.py": [
        "tests/unit/test_errors.py tests/unit/shared tests/unit/apply/test_in_flight.py tests/unit/tally",
        _runs("races unequal_parts failures"),
    ],
    f"{SHARED}/filter_rules.py": [
        "tests/unit/shared tests/unit/compare/test_filters.py",
        _runs("filters_of_runs"),
    ],
    f"{SHARED}/run.py": [
        "tests/unit/shared tests/unit/compare/test_filters.py",
        _runs("applied_plans restores filters_of_runs"),
    ],
    f"{SHARED}/s3/abilities.py": ["tests/unit/s3", _runs("object_lock annotations old_botocore")],
    f"{SHARED}/s3/before_parse.py": ["tests/unit/s3", _runs("old_botocore")],
    f"{SHARED}/s3/botocore_version.py": ["tests/unit/s3", _runs("old_botocore")],
    f"{SHARED}/s3/clients.py": ["tests/unit/s3", _runs("incomplete_answers races throttling")],
    f"{SHARED}/s3/heads.py": ["tests/unit/s3", _runs("buckets_as_they_are incomplete_answers races")],
    f"{SHARED}/s3/": ["tests/unit/s3", _runs("races throttling")],
    f"{SHARED}/tally/plan.py": ["tests/unit/tally", _runs("sync applied_plans restores")],
    f"{SHARED}/tally/stopping.py": ["tests/unit/tally", _runs("stopped_runs restores")],
    f"{SHARED}/tally/verification.py": ["tests/unit/tally", _runs("second_comparison verified_runs")],
    f"{SHARED}/tally/": ["tests/unit/tally", _runs("sync failures verified_runs")],
    f"{SHARED}/work_bucket/approved_plans.py": [
        "tests/unit/work_bucket tests/unit/tasks/test_approving.py",
        _runs("applied_plans restores"),
    ],
    f"{SHARED}/work_bucket/stopping.py": ["tests/unit/work_bucket", _runs("stopped_runs")],
    f"{SHARED}/work_bucket/": ["tests/unit/work_bucket", _runs("damaged_files lost_files")],
    f"{SHARED}/work_items.py": ["tests/unit/shared", _runs("restores races")],
    f"{SHARED}/": ["tests/unit/shared", _runs("sync_options races")],
    "state_machines/": [
        "tests/unit/shared/test_machine_fields.py tests/unit/shared/test_map_variants.py tests/unit/shared/test_quotas.py",
        _runs("sync failures limits"),
        "tests/unit/shared tests/permissions",
    ],
    "lambda_functions/": ["tests/permissions"],
}


def files_of(project: Path, modules: str) -> list[str]:
    """Return the paths that are changed: "dangerous", "even" for the whole core, or parts of paths with commas between."""
    core = [
        path.relative_to(project).as_posix() for path in sorted((project / "lambda_functions").rglob("*.py"))
    ]
    every = [path for path in core if not path.endswith("__init__.py")] + [MACHINE]
    if modules == "dangerous":
        return [path for path in every if path in DANGEROUS]
    parts = [""] if modules == "even" else modules.split(",")
    return [path for path in every if any(part in path for part in parts)]


def changes_of(project: Path, path: str) -> list[Change]:
    """Return every change to a file; of a handler those of its permissions, as what it calls stands in `shared/`."""
    is_handler = path.endswith(".py") and Path(path).parent.name == "lambda_functions"
    mutator: Callable[[str, bytes], list[Change]] = policy_changes if is_handler else python_changes
    return (machine_changes if path == MACHINE else mutator)(path, (project / path).read_bytes())


def nearest_tests(path: str) -> list[list[str]]:
    """Return the tests nearest to a file in stages, each run only if the one before has noticed nothing."""
    return [stage.split() for stage in NEAREST[max(filter(path.startswith, NEAREST), key=len)]]
