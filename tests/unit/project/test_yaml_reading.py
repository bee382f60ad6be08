"""Whichever of PyYAML's two parsers reads a file: the same values, lines and complaints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from places import PROJECT

from deployment.errors import StateMachineError
from deployment.project import front_matter, front_matter_yaml, states_language, yaml_reading

FOLDERS = [PROJECT, *sorted((PROJECT / "tests" / "broken_projects").iterdir())]
MACHINES = [path for folder in FOLDERS for path in sorted(folder.glob("state_machines/*.yaml"))]
FUNCTIONS = [path for folder in FOLDERS for path in sorted(folder.glob("lambda_functions/*.py"))]
MODULES = (states_language, front_matter_yaml)


def no_rules(_: Any) -> None:
    pass


def name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def machine(path: Path) -> Any:
    """What is read of a state machine, or what is said of it."""
    try:
        return states_language.read(path)
    except StateMachineError as error:
        return str(error)


def without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in MODULES:
        monkeypatch.setattr(module, "_LOADERS", module._LOADERS[-1:])


@pytest.mark.parametrize("path", MACHINES, ids=name)
def test_a_state_machine_is_the_same_with_and_without_libyaml(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it = machine(path)
    without_libyaml(monkeypatch)
    assert machine(path) == with_it


@pytest.mark.parametrize("path", FUNCTIONS, ids=name)
def test_a_front_matter_is_the_same_with_and_without_libyaml(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it = front_matter.examine(path)
    without_libyaml(monkeypatch)
    assert front_matter.examine(path) == with_it


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "a: {",
        "a:\n\tb: 1",
        "a: b: c",
        "a: 'b",
        "&a [*b]",
        "a: @b",
        "%YAML 9.9\n---\na: 1",
        "a: \x01",
        "\ud800",
    ],
)
def test_a_complaint_is_the_one_of_pythons_own_parser(text: str) -> None:
    with pytest.raises((yaml.YAMLError, UnicodeError)) as expected:
        yaml.SafeLoader(text).get_single_node()
    with pytest.raises(type(expected.value)) as caught:
        yaml_reading.read_yaml(
            text, yaml_reading.loaders_with(no_rules), lambda loader: loader.get_single_node(), ValueError
        )
    assert str(caught.value) == str(expected.value)


def test_what_is_wrong_with_the_content_is_asked_of_pythons_own_parser_too() -> None:
    asked = []

    def work(loader: Any) -> None:
        asked.append(type(loader))
        raise KeyError

    loaders = yaml_reading.loaders_with(no_rules)
    with pytest.raises(KeyError):
        yaml_reading.read_yaml("a: 1", loaders, work, KeyError)
    assert asked == list(loaders)
    assert issubclass(asked[-1], yaml.SafeLoader)


def test_where_libyaml_is_not_installed_there_is_one_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    (only,) = yaml_reading.loaders_with(no_rules)
    assert yaml_reading.read_yaml("a: 1", (only,), lambda loader: loader.get_single_data()) == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ('"a\\ud800"', "ud800"),
        ('["ok", "\\udfff"]', "udfff"),
        ('{"k\\ud800": 1}', "ud800"),
        ('!Sub "\\udc00"', "udc00"),
    ],
)
def test_a_front_matter_with_half_a_character_is_refused_with_its_line(text: str, half: str) -> None:
    with pytest.raises(front_matter_yaml.Mistake) as caught:
        front_matter_yaml.load(f"Timeout: 60\nEnvironment: {text}")
    expected = f"\\{half} is half of a character; write the character itself, or \\U and 8 digits"
    assert (caught.value.line, caught.value.message) == (2, expected)


def test_a_state_machine_with_half_a_character_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "sync.yaml"
    path.write_text('StartAt: A\nComment: "a\\ud800"\n')
    assert ":2: \\ud800 is half of a character" in machine(path)


def test_a_whole_character_beyond_the_first_plane_may_be_escaped(tmp_path: Path) -> None:
    assert front_matter_yaml.load('Description: "\\U0001F600"')[0] == {"Description": "\U0001f600"}


MERGED = """\
one:
  <<: &common
    Type: Task
    Retry:
      - MaxAttempts: 1
  Next: two
two:
  <<: *common
  Type: Pass
three:
  <<: [{End: true}, *common]
"""


def test_what_a_merge_key_brings_is_on_the_lines_where_it_is_written() -> None:
    lines = yaml_reading.places(yaml.compose(MERGED, Loader=yaml.SafeLoader))

    assert lines["one", "Type"] == lines["one", "<<", "Type"] == 3
    assert lines["one", "Retry", 0, "MaxAttempts"] == lines["two", "Retry", 0, "MaxAttempts"] == 5
    assert lines["one", "Next"] == 6
    assert ("two", "Next") not in lines


def test_a_key_that_is_written_wins_over_a_merged_one_and_several_may_be_merged() -> None:
    lines = yaml_reading.places(yaml.compose(MERGED, Loader=yaml.SafeLoader))
    merged = yaml.safe_load(MERGED)

    assert (merged["two"]["Type"], lines["two", "Type"]) == ("Pass", 9)
    assert merged["three"].keys() == {"End", "Type", "Retry"}
    assert (lines["three", "End"], lines["three", "Type"], lines["three", "Retry"]) == (11, 3, 4)
