"""The tree of errors: every class stands in the module's docstring with its exit status."""

from __future__ import annotations

import re

from deployment import errors
from deployment.errors import FrontMatterError, Problem, SyncBucketsError


def test_the_docstring_names_every_error_with_its_exit_status():
    classes = [SyncBucketsError, *SyncBucketsError.__subclasses__()]
    described = re.findall(r"^ {4,6}([A-Z]\w+) +(\d)", errors.__doc__ or "", re.MULTILINE)
    assert described == [(found.__name__, str(found.exit_code)) for found in classes]


def test_a_problem_shows_its_place_before_its_message():
    assert str(Problem("a.py", 4, "is wrong")) == "a.py:4: is wrong"
    assert str(Problem("a.py", None, "is wrong")) == "a.py: is wrong"


def test_a_front_matter_error_keeps_its_problems_and_shows_one_a_line():
    problems = (Problem("a.py", 4, "is wrong"), Problem("b.py", None, "is missing"))
    error = FrontMatterError(iter(problems))
    assert error.problems == problems
    assert str(error) == "a.py:4: is wrong\nb.py: is missing"
