"""SECURITY.md: every promise has a test that holds it, every heading is there, and nobody is named who does not exist."""

from __future__ import annotations

import re

import pytest
from named_tests import is_a_test, quoted
from places import PROJECT

PAGE = (PROJECT / "SECURITY.md").read_text(encoding="utf-8")
PROMISES = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][2:]


def test_the_page_says_what_is_promised_what_is_not_and_how_to_report() -> None:
    assert re.findall(r"^## (.*)$", PAGE, re.MULTILINE) == [
        "What is promised",
        "What is not promised",
        "How to report a hole",
    ]
    assert len(PROMISES) >= 8
    assert len(re.findall(r"^- ", PAGE, re.MULTILINE)) >= 5


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row[0][:50])
def test_every_promise_is_held_by_tests_that_exist(row: list[str]) -> None:
    promise, tests = row
    assert promise.endswith(".")
    assert quoted(tests) != []
    assert [name for name in quoted(tests) if not is_a_test(name)] == []


def test_holes_are_reported_to_the_repository_and_to_no_address_that_was_made_up() -> None:
    assert "Report a vulnerability" in PAGE
    assert re.findall(r"[\w.]+@[\w.]+", PAGE) == []
    assert {link.split("/")[2] for link in re.findall(r"https?://\S+", PAGE)} == {"docs.github.com"}
