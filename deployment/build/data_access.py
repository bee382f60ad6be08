"""What the functions may do to buckets and keys, read from their front matters, and what of that one sync needs. Pure.

A front matter says where an action is allowed by a placeholder: `${SourceObjects}`. So nothing is said twice: an action that is
added to a function's `Policies` is asked of the other account as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.project.front_matter import FunctionSpec
from lambda_functions.shared.options import Options

BUCKETS = {"source": "SourceBuckets", "destination": "DestinationBuckets"}
OBJECTS = {"source": "SourceObjects", "destination": "DestinationObjects"}
KEYS = "KmsKeys"

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# The functions ask for the tags of such buckets only, whose names are like those of an installation's.
_LIKE_AN_INSTALLATION = re.compile(r"workbucket|-deployment-", re.IGNORECASE)
_OF_LOCKS = (
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetObjectRetention",
    "s3:GetObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
)
_OF_ANNOTATIONS = ("s3:ListObjectAnnotations", "s3:GetObjectAnnotation", "s3:PutObjectAnnotation")


@dataclass(frozen=True)
class Access:
    """One action, where it is allowed (a placeholder's name), and the logical ids of the functions that have it."""

    action: str
    place: str
    functions: frozenset[str]


def read(specs: Iterable[FunctionSpec]) -> tuple[Access, ...]:
    """Return what these functions may do in data buckets and with keys, in the order of their files."""
    found: dict[tuple[str, str], set[str]] = {}
    for spec in specs:
        for statement in _statements(spec.properties.get("Policies", ())):
            for place in _places(statement):
                for action in _listed(statement["Action"]):
                    found.setdefault((action, place), set()).add(spec.logical_id)
    return tuple(Access(*where, frozenset(functions)) for where, functions in found.items())


def needed(access: Sequence[Access], options: Options, side: str) -> tuple[Access, ...]:
    """Return what a sync with these options needs of the bucket of one side, `source` or `destination`."""
    places = (BUCKETS[side], OBJECTS[side])
    return tuple(one for one in access if one.place in places and _is_needed(one.action, options, side))


def _is_needed(action: str, options: Options, side: str) -> bool:
    conditions = {
        "s3:GetBucketTagging": bool(_LIKE_AN_INSTALLATION.search(getattr(options, side))),
        "s3:GetObjectTagging": options.compareTags or (options.copyTags and side == "source"),
        "s3:PutObjectTagging": options.copyTags,
        "s3:PutObjectAcl": options.acl is not None,
        "s3:DeleteObject": options.delete,
        "s3:RestoreObject": options.restore is not None,
        **dict.fromkeys(_OF_LOCKS, options.objectLock == "copy"),
        **dict.fromkeys(_OF_ANNOTATIONS, options.annotations == "copy"),
    }
    return conditions.get(action, True)


def _statements(policies: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the statements that allow something; managed policies and templates of SAM name no bucket of ours."""
    for policy in _listed(policies):
        if isinstance(policy, Mapping):
            inner = [policy] if "Effect" in policy else _listed(policy.get("Statement", ()))
            yield from (one for one in inner if one.get("Effect") == "Allow" and "Action" in one)


def _places(statement: Mapping[str, Any]) -> list[str]:
    texts = [one for one in _listed(statement.get("Resource", ())) if isinstance(one, str)]
    return [found[1] for text in texts if (found := _PLACEHOLDER.fullmatch(text))]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
