"""The screens in docs/deploying.md that the scripted CloudFormation has made: they are what is really shown."""

from __future__ import annotations

import io
import re

import pytest
from places import PROJECT

from deployment.console import Console
from tests import scripted_deployment

PAGE = (PROJECT / "docs" / "deploying.md").read_text(encoding="utf-8")


def shown(kind: str) -> str:
    """What goes to stderr in a pipe, and the error at the end."""
    err = io.StringIO()
    ending = scripted_deployment.show(
        kind, Console(io.StringIO(), err, io.StringIO(), environ={}), lambda _: None
    )
    return err.getvalue() + ending


def screen(kind: str) -> str:
    found = re.search(rf"^<!-- screen: {kind} -->\n```\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, kind
    return found[1]


@pytest.mark.parametrize("kind", ["fails", "validation"])
def test_a_screen_begins_as_it_does_in_the_documentation(kind: str) -> None:
    written, _, _ = screen(kind).partition("…")
    assert shown(kind).startswith(written)
    assert len(written) > 300


def test_the_whole_of_a_deployment_that_fails_in_a_pipe() -> None:
    lines = shown("fails").splitlines()

    assert lines[9:20] == [
        "  [ 1/31] CopyLargeObjectLogGroup  lambda_functions/copy_large_object.py  cancelled",
        "  [ 1/31] DeleteOrphanedKeysLogGroup  lambda_functions/delete_orphaned_keys.py  cancelled",
        "  [ 1/31] ListRangesLogGroup  lambda_functions/list_ranges.py  cancelled",
        "  CloudFormation rolls back: The following resource(s) failed to create: [CopyKeysLogGroup].",
        "  [ 0/5] CompareListingsLogGroup  lambda_functions/compare_listings.py  deleting",
        "  [ 0/5] CopyKeysLogGroup  lambda_functions/copy_keys.py  deleting",
        "  [ 0/5] CopyLargeObjectLogGroup  lambda_functions/copy_large_object.py  deleting",
        "  [ 0/5] DeleteOrphanedKeysLogGroup  lambda_functions/delete_orphaned_keys.py  deleting",
        "  [ 0/5] ListRangesLogGroup  lambda_functions/list_ranges.py  deleting",
        "  [ 1/5] CompareListingsLogGroup  lambda_functions/compare_listings.py  deleted",
        "  [ 2/5] CopyKeysLogGroup  lambda_functions/copy_keys.py  deleted",
    ]
    assert lines[-3].startswith(
        "Error: The stack sync-buckets in 123456789012/eu-west-1 could not be deployed: CopyKeysLogGroup "
        "(AWS::Logs::LogGroup, lambda_functions/copy_keys.py) CREATE_FAILED: Resource handler returned message: "
    )
    assert lines[-2:] == [
        "Allow logs:PutRetentionPolicy to whoever deploys; docs/permissions.md has the whole policy.",
        "CloudFormation has rolled everything back. Fix the cause, then run `fab` again.",
    ]


def test_a_deployment_that_works_counts_to_its_end() -> None:
    lines = shown("works").splitlines()

    assert lines[:2] == ["31 resources to create", "Creating the stack sync-buckets"]
    assert lines[-1].startswith("  [31/31] ") and lines[-1].endswith("  created")
    assert len(lines) == 2 + 31 * 2


def test_watching_follows_what_is_left_of_it() -> None:
    lines = shown("watch").splitlines()

    assert lines[0] == "Following the stack sync-buckets (CREATE_IN_PROGRESS)"
    assert lines[-1].endswith("  created")
