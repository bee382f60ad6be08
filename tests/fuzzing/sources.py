"""What a person writes: the front matter of a Lambda, the YAML of a state machine, the settings."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from deployment.build import bundle, definitions, template
from deployment.errors import ConfigurationError, FrontMatterError, StateMachineError
from deployment.project import front_matter, settings, states_language
from deployment.project.settings import RULES, Settings

from .inputs import draw_entry
from .mutating import NASTY, changed_json, changed_text
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


KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SETTINGS: dict[str, Any] = {
    "STACK_NAME": "sync-buckets",
    "AWS_REGION": "eu-west-1",
    "AWS_PROFILE": "work",
    "ALLOWED_ACCOUNTS": ["123456789012"],
    "SOURCE_BUCKETS": ["my-source", "other.bucket"],
    "DESTINATION_BUCKETS": "syncs",
    "KMS_KEY_ARNS": [KEY_ARN],
    "RUN_RETENTION_DAYS": 30,
    "LOG_RETENTION_DAYS": 14,
    "MAX_CONCURRENCY": 100,
    "MAX_DELETE": "10%",
    "PERMISSIONS_BOUNDARY_ARN": "arn:aws:iam::123456789012:policy/boundary",
    "TERMINATION_PROTECTION": True,
    "TAGS": {"team": "data", "a b": ""},
    "NOTIFY": ["ops@example.com", "Dev.Ops+1@mail.example.com"],
    "NOTIFY_ON": "always",
    "NOTIFY_AFTER_INTERVALS": 2,
    "DASHBOARD": True,
}
OF_PYTHON = [b"bytes", (1, 2), {1, 2}, frozenset(), range(3), 1j, Ellipsis, float("nan"), Path("a"), 10**5000]


def draw_settings(chance: random.Random) -> dict[str, Any]:
    chosen = chance.sample(list(SETTINGS), chance.randint(1, 6))
    values = {name: SETTINGS[name] for name in chosen}
    if chance.random() < 0.6 or "DESTINATION_BUCKETS" in values:
        values["SYNCS"] = draw_entry(chance)
    values = changed_json(
        chance, values, chance.choice([0, 1, 1, 2]), [*RULES, "STACKNAME", "tags", "_own", "Syncs"]
    )
    if isinstance(values, dict) and values and chance.random() < 0.1:
        values[chance.choice(list(values))] = chance.choice(
            [*OF_PYTHON, {("a", 1): "x"}, {b"a": None}, {1: {2: 3}}]
        )
    return values if isinstance(values, dict) else {"SYNCS": values}


def accepts_settings(values: dict[str, Any]) -> bool:
    """Whether settings can be used: then a template comes of them; else each mistake names its setting."""
    module = ModuleType("fabfile_config")
    vars(module).update({name: value for name, value in values.items() if name.isidentifier()})
    try:
        found = settings.from_module(module, {})
    except ConfigurationError as error:
        assert error.problems
        for problem in error.problems:
            require_clear(str(problem), "fabfile_config.py")
            assert re.search(r"fabfile_config\.py:? ?\w+", str(problem)), f"no setting is named: {problem}"
        return False
    json.dumps(template.make([], [], found, "zips", ["sync-buckets-state-machine"]))
    for name in RULES.keys() & values.keys():
        _require_as_given(name, values[name], getattr(found, RULES[name].field))
    return True


def _require_as_given(name: str, given: Any, kept: Any) -> None:
    """Raise AssertionError where a setting is not what was written."""
    if name == "SYNCS":
        assert [sync.name for sync in kept] == list(given), "an entry of SYNCS is dropped"
    elif given != "syncs":
        wanted = tuple(given) if isinstance(given, list | tuple) else given
        assert kept == wanted and type(kept) is type(wanted), f"{name} is {kept!r} instead of {given!r}"


TARGETS = (
    Target("front_matter", draw_lambda, accepts_lambda),
    Target("state_machine", draw_machine, accepts_machine),
    Target("settings", draw_settings, accepts_settings),
)
