"""What a YAML text may come to: bounds on aliases and depth, and values that JSON does not have; in both kinds of file."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from deployment.errors import StateMachineError
from deployment.project import front_matter, states_language, yaml_limits

LETTERS = "abcdefghij"
BOMB = ["a: &a [x, x, x, x, x, x, x, x, x, x]"] + [
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in itertools.pairwise(LETTERS)
]
CHAIN = ["a0: &a0 x"] + [f"a{number}: &a{number} [*a{number - 1}]" for number in range(1, 150)]
MERGES = ["a: &a {p: 1, q: 2, r: 3}"] + [
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 10)}]}}"
    for before, name in itertools.pairwise(LETTERS)
]
TOO_MUCH = "with its aliases this stands for more than 100,000 values; use fewer aliases of aliases"
TOO_DEEP = "this is nested more than 100 levels deep"

# Lines, the line that is named, the message.
REFUSED = {
    "aliases": (BOMB, 5, TOO_MUCH),
    "merges": (MERGES, 6, TOO_MUCH),
    "chain": (CHAIN, 101, TOO_DEEP),
    "brackets": (["x: 1", f"a: {'[' * 2000}{']' * 2000}"], 2, TOO_DEEP),
    "braces": ([f"a: {'{b: ' * 2000}{'}' * 2000}"], 1, TOO_DEEP),
    "dashes": ([f"a:\n  {'- ' * 2000}x".replace("\n  ", " &b\n  ")], 2, TOO_DEEP),
    "lines": ([f"{' ' * number}a:" for number in range(2000)], 101, TOO_DEEP),
    "unclosed": (["a: " + "[" * 2000], 1, TOO_DEEP),
    "digits": (
        ["x: 1", f"a: {'9' * 4301}"],
        2,
        "the number 99999999999999999999… (4,301 characters) is too large; put it in quotes",
    ),
    "float": (["a: 1.0e999"], 1, "the number 1.0e999 is too large; put it in quotes"),
    "infinity": (["a: !!float .inf"], 1, ".inf is not a number"),
    "int": (["a: !!int one"], 1, "one is not a number"),
    "bool": (["a: !!bool maybe"], 1, "maybe is neither true nor false"),
    "half": (['a: "\\ud83d"'], 1, "\\ud83d is half of a character; write the character itself, or \\U and 8 digits"),
    "none": (['a: "\\U00110000"'], 1, "an escape sequence here stands for no character"),
}  # fmt: skip


def unknown(tag: str) -> str:
    return f"the tag !!{tag} is not known here; leave it out"


for tag, value in {
    "timestamp": "2012-10-17",
    "binary": "aGk=",
    "set": "{x}",
    "omap": "[x: 1]",
    "python/object/apply:os.getcwd": "[]",
}.items():
    REFUSED[tag] = ([f"a: !!{tag} {value}"], 1, unknown(tag))


def of_machine(folder: Path, text: str) -> str:
    path = folder / "sync.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StateMachineError) as caught:
        states_language.read(path)
    return str(caught.value).partition("sync.yaml:")[2]


def of_lambda(folder: Path, text: str) -> str:
    path = folder / "work.py"
    lines = "\n".join(f"# {line}" for line in text.split("\n"))
    path.write_text(f"# ---\n{lines}\n# ---\ndef handler(event, context): ...\n", encoding="utf-8")
    (problem,) = front_matter.examine(path).problems
    return f"{problem.line}: {problem.message}"


@pytest.mark.parametrize("name", REFUSED)
def test_what_comes_to_too_much_in_a_state_machine_is_a_sentence_with_its_line(name, tmp_path):
    lines, line, message = REFUSED[name]
    assert of_machine(tmp_path, "\n".join(lines)) == f"{line}: {message}"


@pytest.mark.parametrize(
    "name", [name for name in REFUSED if name != "merges"]
)  # which a front matter does not know
def test_what_comes_to_too_much_in_a_front_matter_is_a_sentence_with_its_line(name, tmp_path):
    lines, line, message = REFUSED[name]
    assert of_lambda(tmp_path, "\n".join(lines)) == f"{line + 1}: {message}"


@pytest.mark.parametrize("name", ["aliases", "brackets", "digits", "half"])
def test_the_sentence_is_the_same_without_libyaml(name, tmp_path, monkeypatch):
    monkeypatch.setattr(states_language, "_LOADERS", states_language._LOADERS[-1:])
    lines, line, message = REFUSED[name]
    assert of_machine(tmp_path, "\n".join(lines)) == f"{line}: {message}"


def test_up_to_the_limits_a_text_is_read(tmp_path):
    path = tmp_path / "sync.yaml"
    deep = "[" * (yaml_limits.MAX_DEPTH - 1)
    number = "9" * 308
    path.write_text(
        f"a: {deep}{deep.replace('[', ']')}\nb: {number}\nc: &c [x]\nd: [*c, *c, 😀]\n", encoding="utf-8"
    )
    read = states_language.read(path).definition
    assert (read["b"], read["d"]) == (int(number), [["x"], ["x"], "😀"])


def test_our_own_state_machine_is_far_below_the_limits(monkeypatch):
    monkeypatch.setattr(yaml_limits, "MAX_NODES", yaml_limits.MAX_NODES // 20)
    monkeypatch.setattr(yaml_limits, "MAX_DEPTH", yaml_limits.MAX_DEPTH // 3)
    folder = Path(__file__).resolve().parents[3] / "state_machines"
    assert len(states_language.read_all(folder)) == 1


def test_every_repeated_key_and_every_unknown_tag_of_a_front_matter_is_named(tmp_path):
    path = tmp_path / "work.py"
    path.write_text(
        "# ---\n# Timeout: 3\n# Timeout: 4\n# Timeout: 5\n# Description: !Subb x\n# Tags: {1: x, a: b, a: c}\n# ---\n"
        "def handler(event, context): ...\n"
    )
    assert [(problem.line, problem.message) for problem in front_matter.examine(path).problems] == [
        (3, "Timeout is repeated here, after line 2; keep one"),
        (4, "Timeout is repeated here, after line 2; keep one"),
        (5, "!Subb is not a function of CloudFormation. Did you mean !Sub?"),
        (6, "the key 1 is not text; put it in quotes"),
        (6, "a is repeated here, after line 6; keep one"),
    ]
