"""Every function may do what its calls need by AWS's documentation, on these resources, and nothing else."""

from __future__ import annotations

import pytest
from iam_calls import CALLS, OF_LAMBDA_ITSELF, OF_VERSIONS
from iam_grants import NARROW, granted, specs
from iam_recorder import Permission

# Granted and not shown by any run, each with its reason. A permission that a run shows must not be here.
REASONED: dict[str, dict[Permission, str]] = {}


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.name)
def test_a_function_is_granted_what_it_needs_and_nothing_more(recorder, spec):
    reasoned = REASONED.get(spec.name, {}).keys()
    needed = recorder.needed()[spec.name] | OF_LAMBDA_ITSELF
    assert needed & reasoned == set()
    missing = sorted((needed | reasoned) - granted(spec, NARROW))
    beyond = sorted(granted(spec, NARROW) - needed - reasoned)
    assert {"missing": missing, "beyond": beyond} == {"missing": [], "beyond": []}


def test_every_row_of_the_table_is_shown_by_some_run(recorder):
    rows = {(name, need) for name, documented in CALLS.items() for need in documented.needs}
    shown = {
        (call.operation, need)
        for call in recorder.calls
        for need in CALLS[call.operation].needs
        if not need.when or need.when in call.features
    }
    assert rows - shown == set()


@pytest.mark.parametrize(
    "name", ["compare_listings", "copy_keys", "copy_large_object", "delete_orphaned_keys"]
)
def test_a_worker_may_write_its_heartbeat_beside_its_record(name):
    (spec,) = [spec for spec in specs() if spec.name == name]
    assert {("s3:PutObject", "work runs")} <= granted(spec, NARROW)


def test_no_function_names_a_version_of_an_object(recorder):
    assert [call for call in recorder.calls if call.features & OF_VERSIONS] == []


def test_a_permission_that_is_taken_away_is_missed_and_one_too_many_is_found(recorder):
    (copy_keys,) = [spec for spec in specs() if spec.name == "copy_keys"]
    needed, found = recorder.needed()["copy_keys"] | OF_LAMBDA_ITSELF, granted(copy_keys, NARROW)
    tagging = ("s3:GetObjectTagging", "source objects")
    assert needed - (found - {tagging}) == {tagging}
    writing = ("s3:PutObject", "source objects")
    assert (found | {writing}) - needed == {writing}
