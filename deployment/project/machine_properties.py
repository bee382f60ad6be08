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
from typing import Any

from deployment.project import front_matter_yaml, placeholders
from deployment.project.front_matter_yaml import Mistake, Mistakes
from deployment.project.function_properties import has_kind, is_intrinsic, kind_sentence, not_plain
from deployment.project.yaml_reading import Place, line_of
from deployment.text import did_you_mean

KINDS: Mapping[str, tuple[type, ...]] = {
    "DefinitionSubstitutions": (dict,),
    "Policies": (list, dict, str),
    "Tags": (dict,),
}

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


def read(block: str) -> tuple[dict[str, Any], list[tuple[int | None, str]]]:
    """Return the properties of a block that can be used, and line and sentence of every mistake in it.

    The block's lines must be where they stand in the file.
    """
    try:
        given, lines = front_matter_yaml.load(block)
    except Mistake as mistake:
        return {}, [(mistake.line, mistake.message)]
    except Mistakes as all_of_them:
        return {}, [(mistake.line, mistake.message) for mistake in all_of_them.mistakes]
    if not isinstance(given, dict):
        found = "nothing" if given is None else repr(given)
        line = block.count("\n", 0, len(block) - len(block.lstrip("\n"))) or 1
        return {}, [(line, f"the front matter holds {found}: expected properties, such as 'Policies:'")]
    wrong = list(mistakes(given))
    usable = given.keys() - {place[0] for place, _ in wrong}
    return (
        {name: value for name, value in given.items() if name in usable},
        [(line_of(place, lines), message) for place, message in wrong],
    )


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
    for index, policy in enumerate(value if isinstance(value, list) else [value]):
        is_known = is_intrinsic(policy) or isinstance(policy, str)
        if not is_known and not (isinstance(policy, dict) and policy.keys() & {"Effect", "Statement"}):
            found = ", ".join(policy) if isinstance(policy, dict) and policy else repr(policy)
            message = (
                f"Policies has {found}: expected statements, a document, or the name of a managed policy"
            )
            yield (name, index) if isinstance(value, list) else (name,), message


def _substitution_mistakes(value: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for name in value:
        if not _NAME.fullmatch(name):
            message = f"{name!r} cannot be a placeholder: expected letters, digits and _.- after a letter"
            yield ("DefinitionSubstitutions", name), message


def _unknown_sentence(name: str) -> str:
    guess = did_you_mean(name, [*KINDS, *RESERVED])
    return f"{name} is not a property of a state machine: expected {', '.join(KINDS)}.{guess}"
