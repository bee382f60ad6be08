"""What somebody new reads first: README.md, the index of the pages, CONTRIBUTING.md."""

from __future__ import annotations

import re

import pytest
from places import PROJECT

DOCS = PROJECT / "docs"
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^[^`\n]*`([\w/]+\.py)`:\n\n```python\n(.*?)\n```$", CONTRIBUTING, re.MULTILINE | re.DOTALL
)


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len((PROJECT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_the_index_has_a_line_for_every_page_and_names_none_twice() -> None:
    listed = re.findall(
        r"^- \[[^]]+\]\((\w[\w-]*\.md)\): .+\.$", (DOCS / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md") if page.name != "README.md")


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_a_page_opens_with_a_sentence_under_its_heading(page) -> None:
    heading, empty, opening = page.read_text(encoding="utf-8").split("\n")[:3]
    assert heading.startswith("# ") and not empty
    assert re.match(r"[A-Z`]", opening) and not opening.startswith("```")


def test_examples_of_style_are_there() -> None:
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize(("file", "function"), EXAMPLES)
def test_an_example_of_style_is_in_the_code_as_it_is_shown(file: str, function: str) -> None:
    assert f"\n\n{function}\n\n\n" in (PROJECT / file).read_text(encoding="utf-8")
