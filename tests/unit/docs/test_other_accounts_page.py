"""docs/other-accounts.md shows what `fab policies` says, word by word."""

from __future__ import annotations

import json
import re

import pytest
from places import PROJECT

from deployment.build.bucket_policies import BUCKET_POLICY, KEY_POLICY, OWNERSHIP
from tests.owned_buckets import THEIRS, FakeS3Client, Owned, installation, said

PAGE = PROJECT / "docs" / "other-accounts.md"
SILENT = Owned(owner=THEIRS, silent=("*",))
BUCKETS = {
    "one account": (Owned(), Owned()),
    "the source elsewhere": (SILENT, Owned()),
    "the destination elsewhere": (Owned(), SILENT),
    "a key elsewhere": (SILENT, Owned()),
}


def examples() -> dict[str, str]:
    """Return the examples by name: a command behind a `$ `, and what it says."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"<!-- policies: (.*?) -->\n```\n\$ (.*?)```", text, re.DOTALL))


@pytest.mark.parametrize("name", BUCKETS)
def test_an_example_is_what_the_program_says(name: str) -> None:
    command, _, shown = examples()[name].partition("\n")
    source, destination = BUCKETS[name]
    where = installation(FakeS3Client(my_source_bucket=source, my_destination_bucket=destination))
    assert shown == said(command, where)


def test_every_example_is_compared() -> None:
    assert list(examples()) == list(BUCKETS)


def test_the_table_for_programs_has_every_name() -> None:
    where = installation(FakeS3Client(my_source_bucket=SILENT, my_destination_bucket=Owned()))
    command = f"fab policies my-source-bucket my-destination-bucket --source-account {THEIRS} --json"
    found = json.loads(said(command, where))
    table = PAGE.read_text(encoding="utf-8").partition("## For programs")[2]
    names = {*found, *found["source"], *found["documents"][0], BUCKET_POLICY, KEY_POLICY, OWNERSHIP}
    assert {name for name in names if f"`{name}`" not in table} == set()
