"""The resources of a plan as the rows of a table: a row for each thing that a person thinks of, what matters most first.

Pure, for `view`. Who may do what comes first, then what is lost. Resources of one Lambda that share their fate share a
row; a function's new version is part of its change; older versions stay and are only counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from deployment.build.logical_ids import source_of, version_owner
from deployment.cloudformation.changes import Change, PropertyChange, loses_function
from deployment.plan import notice_words

_ACCESS = ("AWS::IAM::", "AWS::S3::BucketPolicy", "AWS::Lambda::Permission", "AWS::Lambda::Url")
_KINDS = {
    "AWS::Lambda::Function": "function",
    "AWS::IAM::Role": "role",
    "AWS::Logs::LogGroup": "log group",
    "AWS::Lambda::Version": "version",
}
_WORDS = {"Add": "add", "Modify": "change", "Remove": "remove", "Retain": "keep"}
_REPLACED = {"True": "replace", "Conditional": "perhaps replace"}
_ORDER = ("replace", "perhaps replace", "remove", "change", "add", "keep")
_DESTRUCTIVE = ("replace", "perhaps replace", "remove")
_CODE = ("Code", "CodeUri")

MAX_VALUE_CHARACTERS = 30
"""Of a value that is shown in a row; of a longer one only the property's name is."""


@dataclass(frozen=True)
class Row:
    """What is touched, what happens to it, and what of it; `is_destructive` where something is lost."""

    name: str
    word: str
    what: str
    is_destructive: bool


def rows(changes: Sequence[Change], sources: Mapping[str, Any]) -> list[Row]:
    """Return the rows in the order in which they should be read."""
    groups: dict[tuple[bool, int, str, str], list[Change]] = {}
    versions = {_name(change, sources) for change in changes if _is_new_version(change)}
    functions = {
        _name(change, sources) for change in changes if change.resource_type == "AWS::Lambda::Function"
    }
    for change in changes:
        is_part_of_another = _is_new_version(change) and _name(change, sources) in functions
        if is_kept_version(change) or follows_only(change) or is_part_of_another:
            continue
        word = word_of(change)
        key = (not is_access(change), _rank(word), _label(change, sources), word)
        groups.setdefault(key, []).append(change)
    return [
        Row(name, word, "; ".join(_texts(members, name in versions, sources)), word in _DESTRUCTIVE)
        for (_, _, name, word), members in sorted(groups.items(), key=lambda group: group[0])
    ]


def kept_versions(changes: Iterable[Change]) -> int:
    """Return how many versions leave the stack and stay in Lambda, for the state machines that call them.

    A version whose function goes does not stay, whatever its DeletionPolicy says.
    """
    every = list(changes)
    lost = {change.logical_id for change in every if loses_function(change)}
    return sum(is_kept_version(change) and version_owner(change.logical_id) not in lost for change in every)


def is_kept_version(change: Change) -> bool:
    """Whether a version leaves the stack and stays."""
    return change.action == "Retain" and change.resource_type == "AWS::Lambda::Version"


def followers(changes: Iterable[Change], sources: Mapping[str, Any]) -> list[str]:
    """Return the names of what CloudFormation looks at again, only because it refers to something that changes."""
    return sorted({_label(change, sources) for change in changes if follows_only(change)})


def follows_only(change: Change) -> bool:
    """Whether a resource is listed for its references only, and stays the same resource whatever becomes of them."""
    causes = [prop.cause for prop in change.properties]
    return word_of(change) == "change" and bool(causes) and all(causes)


def is_access(change: Change) -> bool:
    """Whether a change is about who may do what."""
    return change.resource_type.startswith(_ACCESS)


def word_of(change: Change) -> str:
    """Return add, change, replace, perhaps replace, remove or keep; AWS's own word for anything else."""
    if change.action == "Modify" and change.replacement in _REPLACED:
        return _REPLACED[change.replacement]
    return _WORDS.get(change.action, change.action.lower())


def long_values(changes: Iterable[Change], sources: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (title, before, after) of the properties about access whose values are too long for a row."""
    return [
        (
            f"{_label(change, sources)}: {prop.path}",
            parse_json(prop.before),
            parse_json(prop.after),
        )
        for change in changes
        if change.action == "Modify" and is_access(change)
        for prop in change.properties
        if prop.values_known and not (_is_short(prop.before) and _is_short(prop.after))
    ]


def parse_json(value: Any) -> Any:
    """Return the document in a text of JSON, as CloudFormation tells values; anything else as it is."""
    try:
        return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
    except ValueError:
        return value


def _texts(members: Sequence[Change], has_version: bool, sources: Mapping[str, Any]) -> list[str]:
    """Return what stands in the last column: whose it is, and what of it changes, or which resources come and go."""
    if any(change.action != "Modify" for change in members):
        kinds = [_kind(change, sources) for change in members]
        is_function = any(change.resource_type == "AWS::Lambda::Function" for change in members)
        return [", ".join([*kinds, *(["version"] if has_version and is_function else [])])]
    texts = [text for change in members for text in _properties(change)]
    is_function = any(change.resource_type == "AWS::Lambda::Function" for change in members)
    owners = filter(None, (notice_words.whose(change.logical_id, sources) for change in members))
    return list(dict.fromkeys([*owners, *texts, *(["new version"] if has_version and is_function else [])]))


def _kind(change: Change, sources: Mapping[str, Any]) -> str:
    whose = notice_words.whose(change.logical_id, sources)
    return whose or _KINDS.get(change.resource_type, change.resource_type)


def _properties(change: Change) -> list[str]:
    prefix = "log group " if change.resource_type == "AWS::Logs::LogGroup" else ""
    own = [prop for prop in change.properties if not prop.cause] or change.properties
    return list(dict.fromkeys(prefix + _property_text(prop) for prop in own)) or ["settings"]


def _property_text(prop: PropertyChange) -> str:
    if prop.path.split("/")[0] in _CODE:
        return "code"
    if prop.cause:
        return f"{prop.path} follows {prop.cause}"
    if not prop.values_known or not (_is_short(prop.before) and _is_short(prop.after)):
        return prop.path
    if prop.before is None:
        return f"{prop.path} {_value_text(prop.after)} (was not set)"
    if prop.after is None:
        return f"{prop.path} no longer set (was {_value_text(prop.before)})"
    return f"{prop.path} {_value_text(prop.before)} -> {_value_text(prop.after)}"


def _is_short(value: Any) -> bool:
    is_document = isinstance(parse_json(value), (dict, list))
    return not is_document and len(_value_text(value)) <= MAX_VALUE_CHARACTERS


def _value_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_new_version(change: Change) -> bool:
    return change.action == "Add" and change.resource_type == "AWS::Lambda::Version"


def _rank(word: str) -> int:
    return _ORDER.index(word) if word in _ORDER else len(_ORDER)


def _label(change: Change, sources: Mapping[str, Any]) -> str:
    """Return the name in the first column: a role has a row of its own."""
    name = _name(change, sources)
    is_role = change.resource_type == "AWS::IAM::Role" and name != change.logical_id
    return f"{name} role" if is_role else name


def _name(change: Change, sources: Mapping[str, Any]) -> str:
    """Return the file's name of what belongs to a Lambda, else the logical id."""
    source = source_of(change.logical_id, sources)
    return PurePosixPath(source).stem if source else change.logical_id
