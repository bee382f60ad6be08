"""What a person writes: the front matter of a Lambda, the YAML of a state machine."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deployment.build import bundle, definitions, template
from deployment.errors import FrontMatterError, StateMachineError
from deployment.project import front_matter, states_language
from deployment.project.settings import Settings

from .mutating import NASTY, changed_text
from .promises import require_clear
from .running import Target

PROJECT = Path(__file__).resolve().parents[2]
OF_YAML = [
    *NASTY,
    *(
        "- ",
        "  ",
        "# ",
        "#",
        "\n# ---\n",
        "\n---\n",
        "\n# ",
        "{a: 1}",
        "[a, b]",
        "a: 1",
        "? a",
        "'",
        "!Sub ${a}",
        "!GetAtt a.b",
    ),
    *(
        "!!binary aaaa",
        "!!map x",
        "!!set {a}",
        "!!int 3",
        "!!timestamp 2026-01-01",
        "!Foo x",
        "*anchor",
        "&anchor",
        "%YAML 1.2",
    ),
    *(
        "Timeout: 900",
        "MemorySize: 128",
        "Policies: []",
        "Environment:",
        "Role: x",
        "Handler: a",
        "Tags: {a: b}",
    ),
    *(
        "StartAt: A",
        "End: true",
        "Type: Task",
        "Next: B",
        "Resource: copy_keys",
        "${WorkBucket}",
        "${Unknown}",
        "$.a",
        "null",
    ),
]


@functools.cache
def _folder() -> Path:
    """Return a folder with one of each, written anew for every case, and removed when the process ends."""
    _folder.kept = tempfile.TemporaryDirectory(prefix="fuzzing-")  # type: ignore[attr-defined]
    folder = Path(_folder.kept.name)  # type: ignore[attr-defined]
    (folder / "lambda_functions").mkdir()
    (folder / "state_machines").mkdir()
    return folder


@functools.cache
def _lambdas() -> list[str]:
    """Return the front matter of every Lambda, with a handler of two lines below."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((PROJECT / "lambda_functions").glob("*.py"))]
    blocks = ["# ---".join(text.split("# ---")[:2]) + "# ---" for text in texts]
    return [f"{block}\ndef handler(event, context):\n    return event\n" for block in blocks]


LAMBDA = """# ---
# Description: Say it
# MemorySize: 512        # MB
# Timeout: 60
# EphemeralStorage: {Size: 1024}
# Environment:
#   Variables:
#     WORK_BUCKET: !Ref WorkBucket
#     OTHER: "${DeploymentBucket}/x"
# Tags: {team: data}
# Layers: [!Sub "arn:${AWS::Partition}:lambda:${AWS::Region}:1:layer:a:1"]
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - {Effect: Allow, Action: [s3:GetObject], Resource: !Sub "${WorkBucket.Arn}/*"}
# ---
def handler(event, context):
    return event
"""


def draw_lambda(chance: random.Random) -> str:
    text = chance.choice(_lambdas()) if chance.random() < 0.1 else LAMBDA
    return changed_text(chance, text, chance.choice([0, 1, 1, 2, 3]), OF_YAML)


def accepts_lambda(text: str) -> bool:
    """Whether a Lambda can be deployed: then with every property that is written; else its file is named."""
    path = _folder() / "lambda_functions" / "copy_keys.py"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        spec = front_matter.read(path)
        zips = bundle.make_all([spec], _folder())
        built = template.make([spec], zips, Settings(), "zips", [])
    except FrontMatterError as error:
        for problem in error.problems:
            require_clear(str(problem), "lambda_functions/copy_keys.py")
        return False
    written = _keys_of(_block_of(text))
    assert set(spec.properties) == written, f"{sorted(written ^ set(spec.properties))} is dropped or made up"
    json.dumps(built)
    made = built["Resources"]["CopyKeys"]["Properties"]
    assert written - template.OF_THE_ROLE <= set(made), "a property is missing in the template"
    return True


def _block_of(text: str) -> str:
    """Return the block of comments as YAML."""
    lines = [line.rstrip(" \t") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    marks = [number for number, line in enumerate(lines) if line == "# ---"]
    return "\n".join(line[2:] for line in lines[marks[0] + 1 : marks[1]])


def _keys_of(block: str) -> set[str]:
    """Return the keys at the top of a block, as PyYAML's simplest loader reads them."""
    node = _node(block)
    return {key.value for key, _ in node.value} if isinstance(node, yaml.MappingNode) else set()


def _node(text: str) -> Any:
    """Return the node of a text; libyaml and PyYAML's own parser each take some texts that the other does not."""
    for loader in (getattr(yaml, "CBaseLoader", yaml.BaseLoader), yaml.BaseLoader):
        with contextlib.suppress(yaml.YAMLError):
            return yaml.compose(text, loader)
    raise AssertionError("a text was accepted that is no YAML")


MACHINE = """---
Policies:
  - {Effect: Allow, Action: sns:Publish, Resource: !Sub "arn:${AWS::Partition}:sns:*:*:done"}
Tags: {team: data}
DefinitionSubstitutions: {Word: hi, Times: 3, Topic: !GetAtt Topic.Arn}
---
StartAt: Say
States:
  Say: &say
    Type: Pass
    Result: {word: "${Word}", times: "${Times}", bucket: "${WorkBucket}"}
    Next: Copy
  Again:
    <<: *say
    End: true
  Copy:
    Type: Task
    Resource: copy_keys
    Retry:
      - {ErrorEquals: [States.ALL], IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2.0}
    End: true
"""
VALUES = dict.fromkeys(definitions.BUILT_IN, "value") | {"Topic": "arn"}


@functools.cache
def _sync_machine() -> str:
    return (PROJECT / "state_machines" / "sync_buckets_state_machine.yaml").read_text(encoding="utf-8")


def draw_machine(chance: random.Random) -> str:
    text = MACHINE if chance.random() < 0.95 else _sync_machine()
    return changed_text(chance, text, chance.choice([0, 1, 1, 2, 3]), OF_YAML)


def accepts_machine(text: str) -> bool:
    """Whether a state machine can be deployed: then every state and field that is written is in it; else its file is named."""
    path = _folder() / "state_machines" / "say_it.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        spec = states_language.read(path)
        functions = (
            "copy_keys",
            "list_ranges",
            "compare_listings",
            "delete_orphaned_keys",
            "tally_run",
            "validate_input",
        )
        rendered = definitions.render(
            spec, {name: f"arn:{name}" for name in (*functions, "copy_large_object")}, VALUES
        )
        built = template.make([], [], Settings(), "zips", ["say-it"], [spec])
    except StateMachineError as error:
        for line in str(error).split("\n"):
            require_clear(line, "state_machines/say_it.yaml")
        return False
    json.dumps(built)
    json.dumps(rendered, allow_nan=False)
    _require_all_keys(text, rendered, spec)
    return True


def _require_all_keys(text: str, rendered: Mapping[str, Any], spec: states_language.MachineSpec) -> None:
    """Raise AssertionError where a key at the top, or a state, is not what came of the file."""
    document = states_language.machine_properties.split_front_matter(path_text(text))[1]
    assert set(rendered) == _keys_of(document), "a field of the machine is dropped or made up"
    node = _node(document)
    states = next((value for key, value in node.value if key.value == "States"), None)
    if isinstance(states, yaml.MappingNode) and "<<" not in (names := {key.value for key, _ in states.value}):
        assert set(rendered["States"]) == names, "a state is dropped or made up"


def path_text(text: str) -> str:
    """Return a text as it is read from a file."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


TARGETS = (
    Target("front_matter", draw_lambda, accepts_lambda),
    Target("state_machine", draw_machine, accepts_machine),
)
