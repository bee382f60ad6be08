"""What other programs say is read as they say it, and the page of judges has what the command would print today."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from places import PROJECT

from benchmarks.judges.hearing import WAYS, Heard, Judged, Planned
from benchmarks.judges.objects import kinds
from benchmarks.judges.peers import (
    JUDGES,
    OWN_JUDGES,
    READ_AWS,
    READ_RCLONE,
    READ_S5CMD,
    SYNCS,
    Verdict,
    last_words,
    read_check,
)
from benchmarks.judges.tables import judged_cell, planned_cell, text_of

PAGE = (PROJECT / "docs" / "judges.md").read_text("utf-8")
NOTHING: frozenset[str] = frozenset()
A = frozenset({"a"})

CHECK = """\
2026/11/28 16:37:36 ERROR : only-dst: file not in S3 bucket here path x
2026/11/28 16:37:36 ERROR : only-src: file not in S3 bucket there path x
2026/11/28 16:37:36 ERROR : hash: md5 differ
2026/11/28 16:37:36 ERROR : size: sizes differ
2026/11/28 16:37:36 NOTICE: S3 bucket there path x: 1 files missing
2026/11/28 16:37:36 NOTICE: S3 bucket here path x: 1 files missing
2026/11/28 16:37:36 NOTICE: S3 bucket there path x: 4 differences found
2026/11/28 16:37:36 NOTICE: S3 bucket there path x: 2 hashes could not be checked
"""
SYNC = """\
2026/11/28 16:37:37 NOTICE: only-src: Skipped copy as --dry-run is set (size 1)
2026/11/28 16:37:37 NOTICE: size: Skipped server-side copy as --dry-run is set (size 1)
2026/11/28 16:37:37 NOTICE: only-dst: Skipped delete as --dry-run is set (size 1)
2026/11/28 16:37:37 NOTICE: old: Skipped update modification time as --dry-run is set (size 1)
"""


@pytest.mark.parametrize(
    ("read", "output", "verdict"),
    [
        (read_check, CHECK, Verdict(3, 1, by_size=2)),
        (read_check, "2026/11/28 16:37:36 NOTICE: S3 bucket there: 0 differences found\n", Verdict()),
        (READ_RCLONE, SYNC, Verdict(2, 1, 1)),
        (READ_AWS, "(dryrun) copy: s3://a/k to s3://b/k\n(dryrun) delete: s3://b/o\n", Verdict(1, 1)),
        (READ_S5CMD, 'cp "s3://a/k" "s3://b/k"\nrm "s3://b/o"\n', Verdict(1, 1)),
    ],
)
def test_what_a_judge_would_do_is_counted_in_what_it_writes(read, output, verdict):
    assert read(output) == verdict


def test_a_verdict_in_words():
    assert [Verdict().words(), Verdict(3, 1, 2).words(), Verdict(by_size=1).words()] == [
        "nothing",
        "copy 3, delete 1, set the time of 2",
        "nothing (1 by size only)",
    ]
    assert Verdict(error=last_words("first\n a | b \n\n")).words() == "fails: a \\| b"


def test_nothing_from_a_judge_that_sees_nothing_is_not_told_as_nothing():
    assert judged_cell(Judged("j", "k", 3, Verdict(), 3)) == "nothing"
    assert judged_cell(Judged("j", "k", 3, Verdict(), 2)) == "– (does not see it)"
    assert judged_cell(Judged("j", "k", 3, Verdict(copy=1), 2)) == "copy 1 (does not see all of it)"


def test_a_plan_that_is_not_the_right_one_says_so():
    assert planned_cell(Planned("p", "k", "", (A, NOTHING), (A, NOTHING), "")) == "copy 1"
    assert planned_cell(Planned("p", "k", "", (NOTHING, NOTHING), (A, A), "said no")) == (
        "nothing, WRONG: copy 1, delete 1 is right (it failed)"
    )


def test_the_page_has_the_rows_and_columns_that_the_command_prints_and_no_plan_that_is_wrong():
    nothing = (NOTHING, NOTHING)
    names = [kind.name for kind in kinds()]
    heard = Heard(
        [Judged(judge.name, kind, 1, Verdict(), 1) for kind in names for judge in JUDGES],
        [Judged(judge, kind, 1, Verdict(), 1) for kind in names for judge in OWN_JUDGES.values()],
        [
            Planned(peer, kind, str(options)[1:-1].replace("'", '"'), nothing, nothing, "")
            for peer in SYNCS
            for options in WAYS
            for kind in names
        ],
    )
    assert frames(PAGE) == frames(text_of(heard, {}))
    assert "WRONG" not in PAGE.partition("## The tables")[2]


def frames(text: str) -> list[str]:
    """Return heads and first columns of all tables."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    heads = [row for row, below in pairwise(rows) if re.fullmatch(r"[| -]+", below)]
    return [row if row in heads else row.split(" | ")[0] for row in rows]
