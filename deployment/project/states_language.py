"""Reads the state machines of `state_machines/`; `definitions` then turns them into what Step Functions takes.

A `*.yaml` file is one state machine in Amazon States Language (JSONPath or JSONata), with three liberties:
`Resource: copy_keys` calls a Lambda by its file name, `${WorkBucket}` stands for a value that is known only after the
stack has been deployed, and above the definition there may be a front matter, which `machine_properties` knows. What is
refused here cannot be read in one way only; whether a machine makes sense is the business of `check`, its creation that of
`state_machines`.

The YAML is read by the rules of YAML 1.2, where `Yes`, `No` and `2012-10-17` are text: a state may have such a name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from deployment.errors import Problem, StateMachineError
from deployment.project import machine_properties, source_files, yaml_reading
from deployment.project.yaml_reading import Lines, Place

NAME_MAX_CHARACTERS = 64
"""What the timestamp leaves of the 80 characters of
https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"""

_NAME = re.compile(r"[A-Za-z0-9-]+")
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class MachineSpec:
    """One file of `state_machines/`: its base name (without timestamp), and its definition as it was written."""

    name: str
    path: Path
    definition: Mapping[str, Any]
    state_lines: Mapping[str, int] = field(default_factory=dict)
    """The line of each state's name, counting from 1."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What its front matter says, by `machine_properties.KINDS`."""

    @property
    def where(self) -> str:
        """The file as messages name it: `state_machines/sync_buckets_state_machine.yaml`."""
        return source_files.where(self.path)

    @functools.cached_property
    def places(self) -> Lines:
        """The lines of the file, its front matter's too; read when a finding asks, as most machines are right."""
        return machine_properties.places_in(self.path)


@dataclass(frozen=True)
class State:
    """One state: its name, the place of its name in the file, and its fields."""

    name: str
    place: Place
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Scope:
    """One machine, or one inside a Map or Parallel state; states go on only to those of their own scope."""

    place: Place
    start: Any
    states: tuple[State, ...]
    has_no_states: bool = False
    """Whether it says that it has none, and does not just leave `States` out or make something else of it."""


def base_name(path: Path) -> str:
    """Return what a file's machines are called before their timestamp: `sync-it` for `sync_it.yaml`."""
    return path.stem.replace("_", "-")


def read_all(folder: Path) -> tuple[MachineSpec, ...]:
    """Return the state machines of a folder, sorted by file name.

    Raises StateMachineError with the problems of all files together, one line each.
    """
    specs, problems = examine_all(folder)
    if problems:
        raise StateMachineError("\n".join(map(str, problems)))
    return specs


def examine_all(folder: Path) -> tuple[tuple[MachineSpec, ...], tuple[Problem, ...]]:
    """Return what can be understood of the state machines in `folder`, and all problems together."""
    listed = source_files.list_folder(folder, source_files.MACHINES)
    examined = [examine(path) for path in listed.sources]
    specs = tuple(spec for spec, _ in examined if spec is not None)
    of_files = [problem for _, problems in examined for problem in problems]
    return specs, (*of_files, *listed.problems, *_folder_problems(folder, listed.sources))


def read(path: Path) -> MachineSpec:
    """Return one state machine; raise StateMachineError with `file:line` of everything that is wrong with its YAML."""
    spec, problems = examine(path)
    if spec is None or problems:
        raise StateMachineError("\n".join(map(str, problems)))
    return spec


def examine(path: Path) -> tuple[MachineSpec | None, tuple[Problem, ...]]:
    """Return what can be understood of one file, None if not even the definition can, and all that is wrong with its YAML."""
    try:
        block, text = machine_properties.split_front_matter(source_files.text_of(path))
    except source_files.Unreadable as error:
        return None, (Problem(source_files.where(path), error.line, error.message),)
    properties, wrong = machine_properties.read(block) if block is not None else ({}, [])
    problems = [Problem(source_files.where(path), line, message) for line, message in wrong]
    try:
        spec = yaml_reading.read_yaml(text, _LOADERS, lambda loader: _spec(path, loader), _Unreadable)
    except yaml.YAMLError as error:
        return None, (*problems, _yaml_problem(path, error))
    except _Unreadable as error:
        return None, (*problems, *error.problems)
    return replace(spec, properties=properties), tuple(problems)


def scopes(machine: Any, place: Place = ()) -> Iterator[Scope]:
    """Yield a machine and every machine inside it, outer ones first."""
    fields = mapping(machine)
    states = tuple(
        State(str(name), (*place, "States", name), mapping(state))
        for name, state in mapping(fields.get("States")).items()
    )
    yield Scope(place, fields.get("StartAt"), states, fields.get("States") == {})
    for state in states:
        for where, inner in _inside(state):
            yield from scopes(inner, where)


def states(machine: Any) -> Iterator[State]:
    """Yield the states of all scopes."""
    for scope in scopes(machine):
        yield from scope.states


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def lambda_of(state: Mapping[str, Any]) -> str | None:
    """Return the file name of the Lambda that a state calls, None where it calls none."""
    resource = state.get("Resource")
    if state.get("Type") != "Task" or not isinstance(resource, str) or ":" in resource or "${" in resource:
        return None
    return resource


def _rules(loader: type[Any]) -> None:
    """Give a loader the few implicit types that JSON has, and merge keys."""
    for name, pattern, first in (
        ("null", r"^(?:null|~|)$", ["n", "~", ""]),
        ("bool", r"^(?:true|false)$", ["t", "f"]),
        ("int", r"^-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
        ("float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-0123456789")),
        ("merge", r"^<<$", ["<"]),
    ):
        loader.add_implicit_resolver(_TAG + name, re.compile(pattern), first)


_LOADERS = yaml_reading.loaders_with(_rules)


class _Unreadable(Exception):
    """A document that is YAML and no state machine."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__()


def _spec(path: Path, loader: Any) -> MachineSpec:
    node = loader.get_single_node()
    problems = _document_problems(node)
    if problems:
        raise _Unreadable(Problem(source_files.where(path), *problem) for problem in problems)
    lines = dict(_state_lines(node))
    return MachineSpec(base_name(path), path, loader.construct_document(node), lines)


def _folder_problems(folder: Path, paths: Sequence[Path]) -> Iterator[Problem]:
    """Yield what is wrong with the files' names, or that there are none."""
    if not paths:
        yield Problem(f"{folder.name}/", None, "there is no *.yaml file to deploy")
    seen: dict[str, Path] = {}
    for path in paths:
        name = base_name(path)
        if not _NAME.fullmatch(name) or len(name) > NAME_MAX_CHARACTERS:
            yield Problem(source_files.where(path), None, _name_advice(name))
        elif name in seen:
            yield Problem(
                source_files.where(path),
                None,
                f"becomes the state machine {name}, as {source_files.where(seen[name])} does",
            )
        seen.setdefault(name, path)


def _name_advice(name: str) -> str:
    return (
        f"a file name has letters, digits, - and _ only, and at most {NAME_MAX_CHARACTERS} characters before .yaml; "
        f"this one has {len(name)}"
    )


def _yaml_problem(path: Path, error: Exception) -> Problem:
    """Return a parser's complaint as one line; its marks count lines from 0."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    texts = (getattr(error, "context", None), getattr(error, "problem", None))
    text = ", ".join(filter(None, texts)) or str(error).splitlines()[0]
    if isinstance(error, yaml.reader.ReaderError):
        text = f"the character {chr(error.character)!r} is not allowed"
    return Problem(
        source_files.where(path), mark.line + 1 if mark else None, yaml_reading.sentence(error, text)
    )


def _document_problems(node: yaml.Node | None) -> list[tuple[int, str]]:
    if node is None:
        return [(1, "the file is empty")]
    if not isinstance(node, yaml.MappingNode):
        return [(node.start_mark.line + 1, "a state machine begins with names such as StartAt: and States:")]
    return list(dict.fromkeys(_node_problems(node)))


def _node_problems(node: yaml.Node, above: tuple[yaml.Node, ...] = ()) -> Iterator[tuple[int, str]]:
    """Yield line and message of what YAML allows and a state machine does not, at and under a node.

    Nodes are looked at before anything is constructed: afterwards a repeated key has already won or lost.
    """
    line = node.start_mark.line + 1
    if any(node is ancestor for ancestor in above):
        yield line, "this anchor contains an alias of itself"
        return
    if node.tag.startswith("!"):
        yield line, f"the tag {node.tag} is not known here; a placeholder is written ${{WorkBucket}}"
    if isinstance(node, yaml.MappingNode):
        yield from _key_problems(node)
    for child in _child_nodes(node):
        yield from _node_problems(child, (*above, node))


def _child_nodes(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _key_problems(node: yaml.MappingNode) -> Iterator[tuple[int, str]]:
    first_lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag not in (f"{_TAG}str", f"{_TAG}merge"):
            found = f"; put {key.value} in quotes" if isinstance(key, yaml.ScalarNode) and key.value else ""
            yield line, f"a name must be text{found}"
        elif key.value in first_lines:
            yield line, f"{key.value} appears twice, first on line {first_lines[key.value]}"
        else:
            first_lines[key.value] = line


def _state_lines(node: yaml.Node) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "States" and isinstance(value, yaml.MappingNode):
                yield from ((state.value, state.start_mark.line + 1) for state, _ in value.value)
    for child in _child_nodes(node):
        yield from _state_lines(child)


def _inside(state: State) -> Iterator[tuple[Place, Any]]:
    """Yield the machines inside a Map or Parallel state; Iterator is the old name of ItemProcessor."""
    for name in ("ItemProcessor", "Iterator"):
        if isinstance(state.fields.get(name), Mapping):
            yield (*state.place, name), state.fields[name]
    for index, branch in enumerate(items(state.fields.get("Branches"))):
        yield (*state.place, "Branches", index), branch
