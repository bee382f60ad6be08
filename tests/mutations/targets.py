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


def _near(room: str, runs: str, also: str = "") -> list[str]:
    """Return the stages of a file of a room: the room's unit tests with others as quick, then these runs."""
    return [f"tests/unit/{room} {also}".rstrip(), _runs(runs)]


# A mistake there deletes or overwrites what it must not, or hides that something was not done.
DANGEROUS = {
    f"{SHARED}/apply/conflicts.py": _near("apply", "races kms own_copies large_objects"),
    f"{SHARED}/apply/deleter.py": _near("apply", "races throttling stopped_runs"),
    f"{SHARED}/compare/undecided.py": [
        "tests/unit/compare/test_undecided.py tests/unit/compare/test_compare.py",
        _runs("races tags_and_acl metadata"),
    ],
    f"{SHARED}/equality.py": ["tests/unit/shared/test_equality.py", _runs("metadata convergence")],
    f"{SHARED}/s3/etags.py": _near("s3", "kms metadata", "tests/unit/shared/test_equality.py"),
    f"{SHARED}/s3/checksums.py": _near("s3", "checksum_algorithms", "tests/unit/shared/test_equality.py"),
    f"{SHARED}/work_bucket/leases.py": _near("work_bucket", "runs_side_by_side lost_uploads races"),
    f"{SHARED}/work_bucket/lease_cycles.py": _near("work_bucket", "runs_side_by_side"),
    f"{SHARED}/tally/phases.py": _near("tally", "waves stopped_runs failures limits"),
    f"{SHARED}/tally/refusals.py": _near("tally", "refusals"),
}
# What the rest of the core has nearest, by the beginning of its path; the longest counts.
NEAREST = {
    **DANGEROUS,
    f"{SHARED}/apply/": [
        "tests/unit/apply tests/unit/s3",
        _runs("races large_objects unequal_parts"),
        _runs("buckets_as_they_are very_large_objects stopped_runs"),
    ],
    f"{SHARED}/apply/annotations.py": _near("apply", "annotations"),
    f"{SHARED}/apply/copier.py": _near("apply", "races one_part_uploads kms large_objects"),
    f"{SHARED}/apply/multipart.py": _near("apply", "checksum_algorithms kms large_objects races"),
    f"{SHARED}/apply/object_lock.py": _near("apply", "object_lock"),
    f"{SHARED}/apply/opening.py": _near("apply", "lost_uploads large_objects one_part_uploads"),
    f"{SHARED}/apply/restores.py": [_runs("restores")],
    f"{SHARED}/apply/uploads.py": _near(
        "apply", "lost_uploads stopped_runs very_large_objects", "tests/unit/tally/test_report.py"
    ),
    f"{SHARED}/apply/worker.py": _near("apply", "runs_side_by_side races throttling"),
    f"{SHARED}/compare/compare.py": _near(
        "compare", "races waves list_requests", "tests/unit/shared/test_quotas.py"
    ),
    f"{SHARED}/compare/plan_writer.py": _near(
        "compare", "restores races waves very_large_objects", "tests/unit/shared/test_quotas.py"
    ),
    f"{SHARED}/compare/verify.py": _near("compare", "second_comparison verified_runs verified_restores"),
    f"{SHARED}/compare/": _near("compare", "races waves list_requests"),
    f"{SHARED}/errors.py": [
        "tests/unit/test_errors.py tests/unit/shared tests/unit/apply/test_in_flight.py tests/unit/tally",
        _runs("races unequal_parts failures"),
    ],
    f"{SHARED}/filter_rules.py": _near("shared", "filters_of_runs", "tests/unit/compare/test_filters.py"),
    f"{SHARED}/run.py": _near(
        "shared", "applied_plans restores filters_of_runs", "tests/unit/compare/test_filters.py"
    ),
    f"{SHARED}/s3/abilities.py": _near("s3", "object_lock annotations old_botocore"),
    f"{SHARED}/s3/before_parse.py": _near("s3", "old_botocore"),
    f"{SHARED}/s3/botocore_version.py": _near("s3", "old_botocore"),
    f"{SHARED}/s3/clients.py": _near("s3", "incomplete_answers races throttling"),
    f"{SHARED}/s3/heads.py": _near("s3", "buckets_as_they_are incomplete_answers races"),
    f"{SHARED}/s3/": _near("s3", "races throttling"),
    f"{SHARED}/tally/plan.py": _near("tally", "sync applied_plans restores"),
    f"{SHARED}/tally/stopping.py": _near("tally", "stopped_runs restores"),
    f"{SHARED}/tally/verification.py": _near("tally", "second_comparison verified_runs"),
    f"{SHARED}/tally/": _near("tally", "sync failures verified_runs"),
    f"{SHARED}/work_bucket/approved_plans.py": _near(
        "work_bucket", "applied_plans restores", "tests/unit/tasks/test_approving.py"
    ),
    f"{SHARED}/work_bucket/stopping.py": _near("work_bucket", "stopped_runs"),
    f"{SHARED}/work_bucket/": _near("work_bucket", "damaged_files lost_files"),
    f"{SHARED}/work_items.py": _near("shared", "restores races"),
    f"{SHARED}/": _near("shared", "sync_options races"),
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
