"""The configuration as a file: in which encodings it is read, what it may do, and what is kept beside a mistake."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from places import ConfigurationElsewhere

from deployment.errors import ConfigurationError
from deployment.project import settings
from deployment.project.settings import RULES, Settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a configuration that is found first, and that nothing has imported yet."""
    monkeypatch.setattr(sys, "meta_path", [ConfigurationElsewhere, *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fabfile_config", raising=False)
    return tmp_path / "fabfile_config.py"


def refusal() -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings.load({})
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("TAGS = {'team': 'Müller'}\n", "utf-8"),
        ("TAGS = {'team': 'Müller'}\n", "utf-8-sig"),
        ("# -*- coding: latin-1 -*-\nTAGS = {'team': 'Müller'}\n", "latin-1"),
        ("#!/usr/bin/python\n# coding: cp1252\nTAGS = {'team': 'Müller'}\n", "cp1252"),
        ("TAGS = {'team': 'Müller'}\r\n", "utf-8-sig"),
    ],
)
def test_a_configuration_is_read_as_python_reads_it(config, text, encoding):
    config.write_bytes(text.encode(encoding))
    assert settings.load({}) == Settings(tags={"team": "Müller"})


def test_a_mistake_beyond_a_byte_order_mark_has_its_line(config):
    config.write_text("# Größe\nMAX_CONCURRENCY = 0\n", encoding="utf-8-sig")
    assert "fabfile_config.py:2: MAX_CONCURRENCY is 0: expected" in refusal()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys\n\nsys.exit(3)\n", ":3 ends the program (SystemExit: 3)"),
        ("raise SystemExit\n", ":1 ends the program (SystemExit)"),
        ("raise SystemExit(None)\n", ":1 ends the program (SystemExit)"),
        ("import sys\nsys.exit('set\\n  TEAM')\n", ":2 ends the program (SystemExit: set TEAM)"),
    ],
)
def test_a_configuration_that_ends_the_program_is_a_sentence(config, text, message):
    config.write_text(text)
    assert refusal() == f"fabfile_config.py{message}: expected settings only; remove what does that"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise GeneratorExit", ":1 cannot be imported: GeneratorExit"),
        ("x = 1\nraise ValueError('a\\n  b')", ":2 cannot be imported: ValueError: a b"),
        ("def f(): f()\nf()", ":1 cannot be imported: RecursionError: maximum recursion depth exceeded"),
        ("import json\njson.loads('{')", ":2 cannot be imported: JSONDecodeError: Expecting property name"),
    ],
)
def test_whatever_a_configuration_raises_is_a_sentence_with_its_line(config, text, message):
    config.write_text(text)
    assert refusal().startswith(f"fabfile_config.py{message}")


def test_ctrl_c_while_the_configuration_is_read_is_still_ctrl_c(config):
    config.write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        settings.load({})


def test_a_folder_in_the_place_of_the_configuration_is_named(config):
    config.with_suffix("").mkdir()
    assert refusal() == (
        "fabfile_config is a folder. fabfile_config.py is missing. "
        "Run: cp fabfile_config_template.py fabfile_config.py"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("MAX_CONCURRENCY = 10**4301", "MAX_CONCURRENCY is a value of type int: expected a whole number"),
        ("SOURCE_BUCKETS = [10**4301]", "SOURCE_BUCKETS[0] is a value of type int: expected the name"),
        (
            "_it = []\nfor _ in range(3000):\n    _it = [_it]\nSTACK_NAME = _it",
            "STACK_NAME is a value of type list: expected",
        ),
        (
            "class _Odd:\n    def __repr__(self): raise KeyError\nSTACK_NAME = _Odd()",
            "STACK_NAME is a value of type _Odd: expected",
        ),
    ],
)
def test_a_value_that_cannot_be_written_is_refused_all_the_same(config, text, shown):
    config.write_text(text)
    assert shown in refusal()


def test_the_elements_of_lists_have_lines_of_their_own(config):
    config.write_text("SOURCE_BUCKETS = [\n    'fine',\n    'Not Fine',\n]\nTAGS = {\n    'aws:x': '',\n}\n")
    found = settings.examine({}).problems
    assert [(problem.line, problem.message.partition(":")[0]) for problem in found] == [
        (3, "SOURCE_BUCKETS[1] is 'Not Fine'"),
        (6, "TAGS['aws"),
    ]


def test_what_is_right_is_kept_beside_a_mistake_and_the_wrong_names_are_known(config):
    config.write_text("STACK_NAME = 'mine'\nMAX_DELETE = 'ten'\nSOURCE_BUCKET = ['abc']\n_OWN = COLOUR = 1\n")
    examined = settings.examine({})
    assert examined.settings == Settings(stack_name="mine")
    assert examined.wrong == {"MAX_DELETE", "SOURCE_BUCKETS"}
    assert [problem.line for problem in examined.problems] == [3, 4, 2]


def test_of_a_configuration_that_cannot_be_read_every_setting_is_wrong(config):
    config.write_text("exit(")
    examined = settings.examine({})
    assert (examined.settings, examined.wrong) == (Settings(), frozenset(RULES))
    assert [str(problem) for problem in examined.problems] == [
        "fabfile_config.py:1: cannot be imported: SyntaxError: '(' was never closed"
    ]
