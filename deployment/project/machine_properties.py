"""The front matter of a state machine: a block between two lines `---` on top of its YAML, as a Lambda has one in comments.

    ---
    Policies:
      - Effect: Allow
        Action: sns:Publish
        Resource: !Sub arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:done
    Tags: {team: data}
    DefinitionSubstitutions:
      Topic: !Sub arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:done
    ---
    StartAt: ...

Its keys are properties of AWS::Serverless::StateMachine, as far as a machine that a deployment creates itself can have them.
`Policies` extend the role of the state machines, `Tags` are added to the deployment's, `DefinitionSubstitutions` are
placeholders of this file alone; a value that CloudFormation computes there becomes an output of the stack.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-statemachine.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from deployment.project import front_matter_yaml, placeholders, source_files, yaml_reading
from deployment.project.front_matter_yaml import Mistake, Mistakes
from deployment.project.function_properties import (
    has_kind,
    is_intrinsic,
    kind_sentence,
    not_plain,
    policy_mistakes,
)
from deployment.project.yaml_reading import Place, line_of
from deployment.text import did_you_mean

KINDS: Mapping[str, tuple[type, ...]] = {
    "DefinitionSubstitutions": (dict,),
    "Policies": (list, dict, str),
    "Tags": (dict,),
}

# What tells a front matter in comments from any other comment.
_OF_A_MACHINE = re.compile(rf"# ({'|'.join(KINDS)}):")

_HERE = "the definition stands below, in this file"
_ALIAS = "every deployment creates a machine of its own, under a timestamp"
_STACK = "the machine is created beside the stack, as a STANDARD one without events of its own"

RESERVED: Mapping[str, str] = {
    "AutoPublishAlias": _ALIAS,
    "Definition": _HERE,
    "DefinitionUri": _HERE,
    "DeploymentPreference": _ALIAS,
    "Events": _STACK,
    "Logging": _STACK,
    "Name": "it is made from the name of this file",
    "PermissionsBoundary": "it is the setting PERMISSIONS_BOUNDARY_ARN",
    "PropagateTags": "the tags are the machine's",
    "Role": "the deployment makes it; Policies extend it",
    "RolePath": "the deployment makes the role",
    "Tracing": _STACK,
    "Type": _STACK,
    "UseAliasAsEventTarget": _ALIAS,
}

# What may stand between ${ and }, and can be made into the name of an output.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def split_front_matter(text: str) -> tuple[str | None, str]:
    """Return the block between two lines `---` on top of a YAML file, None without one, and the document below it.

    Both begin with empty lines, so that what they hold keeps its line. Only comments may stand above the block; a file with a
    single `---` is one document, and so is one with nothing below the second. The block may also be written as a Lambda has it,
    in comments between two lines `# ---` at the very top, if it has one of the properties of a machine.
    """
    lines = text.split("\n")
    if lines[0].rstrip() == "# ---":
        return _commented_block(lines), text
    marks = [number for number, line in enumerate(lines) if line.rstrip() == "---"]
    if len(marks) < 2 or _has_content(lines[: marks[0]]) or not _has_content(lines[marks[1] + 1 :]):
        return None, text
    first, second = marks[:2]
    block = [""] * (first + 1) + lines[first + 1 : second]
    return "\n".join(block), "\n".join([""] * (second + 1) + lines[second + 1 :])


def read(block: str) -> tuple[dict[str, Any], list[tuple[int | None, str]]]:
    """Return the properties of a block that can be used, and line and sentence of every mistake in it.

    The block's lines must be where they stand in the file.
    """
    try:
        loaded, lines = front_matter_yaml.load(block)
        given = front_matter_yaml.require_mapping(loaded, block, "Policies:")
    except Mistake as mistake:
        return {}, [(mistake.line, mistake.message)]
    except Mistakes as all_of_them:
        return {}, [(mistake.line, mistake.message) for mistake in all_of_them.mistakes]
    wrong = list(mistakes(given))
    usable = given.keys() - {place[0] for place, _ in wrong}
    return (
        {name: value for name, value in given.items() if name in usable},
        [(line_of(place, lines), message) for place, message in wrong],
    )


def places_in(path: Path) -> dict[Place, int]:
    """Return the lines of a YAML file and of its front matter.

    None when it cannot be read: who asks has a finding to report, not this one.
    """
    try:
        block, document = split_front_matter(source_files.text_of(path))
        block_node, node = (
            yaml_reading.read_yaml(
                text, yaml_reading.plain_loaders(), lambda loader: loader.get_single_node()
            )
            for text in (block or "", document)
        )
    except (source_files.Unreadable, yaml.YAMLError):
        return {}
    return yaml_reading.places(block_node) | yaml_reading.places(node)


def mistakes(properties: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Yield place and sentence of every name or value that cannot stand."""
    for name, value in properties.items():
        if name in RESERVED:
            yield (name,), f"{name} cannot be set here: {RESERVED[name]}"
        elif name not in KINDS:
            yield (name,), _unknown_sentence(name)
        elif not has_kind(value, KINDS[name]) or is_intrinsic(value):
            yield (name,), kind_sentence(name, value, KINDS[name])
        else:
            yield from _value_mistakes(name, value)


def _commented_block(lines: list[str]) -> str | None:
    """The block of a Lambda's form, without its `# `; None where it is an ordinary comment."""
    stripped = [line.rstrip() for line in lines]
    end = stripped.index("# ---", 1) if "# ---" in stripped[1:] else 0
    block = lines[1:end]
    if not all(line.startswith("#") for line in block) or not any(map(_OF_A_MACHINE.match, block)):
        return None
    return "\n".join(["", *(line[2:] for line in block)])


def _has_content(lines: list[str]) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _value_mistakes(name: str, value: Any) -> Iterator[tuple[Place, str]]:
    if name == "DefinitionSubstitutions":
        yield from _substitution_mistakes(value)
    if name != "Policies":
        yield from (((name,), message) for message in not_plain(name, value))
        return
    for place, written, text in placeholders.find(value, placeholders.FILLED_BY_CLOUDFORMATION):
        wanted = f"${{{written}}}"
        wrong = dict(placeholders.mistakes(text)).get(wanted)
        if wrong:
            yield (name, *place), wrong
    for index, message in _policy_mistakes(value):
        yield (name, index) if isinstance(value, list) else (name,), message


def _policy_mistakes(value: Any) -> Iterator[tuple[int, str]]:
    """Yield the number of each policy that is none, and what is wrong with it; templates of SAM are none here."""
    yield from policy_mistakes(value)
    for index, policy in enumerate(value if isinstance(value, list) else [value]):
        is_mapping = isinstance(policy, dict) and not is_intrinsic(policy)
        if is_mapping and not policy.keys() & {"Effect", "Statement"}:
            found = ", ".join(policy) if policy else repr(policy)
            yield (
                index,
                f"Policies has {found}: expected statements, a document, or the name of a managed policy",
            )


def _substitution_mistakes(value: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for name in value:
        if not _NAME.fullmatch(name):
            message = f"{name!r} cannot be a placeholder: expected letters, digits and _.- after a letter"
            yield ("DefinitionSubstitutions", name), message


def _unknown_sentence(name: str) -> str:
    guess = did_you_mean(name, [*KINDS, *RESERVED])
    return f"{name} is not a property of a state machine: expected {', '.join(KINDS)}.{guess}"
