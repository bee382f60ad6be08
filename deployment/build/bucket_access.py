"""Which buckets a deployment takes away from the functions: what the deployed policies allow and the new ones do not. Pure.

Statements are compared by role and Sid: one that only the older or only the newer version of the project has does not mean that
somebody has taken a bucket out of the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

EVERY_OTHER = "every other bucket"
_BUCKET = re.compile(r"arn:[^:]+:s3:::([A-Za-z0-9._-]+|\*)(?:/.*)?")
_READING = ("s3:GetObject",)
_WRITING = ("s3:PutObject", "s3:DeleteObject")


@dataclass(frozen=True)
class TakenAway:
    """Names of buckets that functions may no longer read, and of those that they may no longer write into."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.read or self.write)

    def __str__(self) -> str:
        """Return `may no longer read a, b and no longer write into c`."""
        parts = [
            *([f"read {', '.join(self.read)}"] if self.read else []),
            *([f"write into {', '.join(self.write)}"] if self.write else []),
        ]
        return f"may no longer {' and no longer '.join(parts)}"


NOTHING_TAKEN = TakenAway()


def compare(deployed: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> TakenAway:
    """Return what is taken away by `wanted`, of two templates; nothing where the deployed one is not known.

    A bucket that may no longer be written into is not named again among those that may no longer be read.
    """
    before, after = dict(_allowed(deployed or {})), dict(_allowed(wanted))
    write = _lost(before, after, _WRITING)
    read = [name for name in _lost(before, after, _READING) if name not in write]
    return TakenAway(tuple(read), tuple(write))


_Statement = tuple[frozenset[str], frozenset[str]]
"""Actions, and buckets."""


def _lost(
    before: Mapping[tuple[str, str], _Statement],
    after: Mapping[tuple[str, str], _Statement],
    of: tuple[str, ...],
) -> list[str]:
    lost: set[str] = set()
    for place, (actions, buckets) in before.items():
        remaining = after.get(place, (actions, buckets))[1]
        if actions & set(of) and "*" not in remaining:
            lost |= buckets - remaining
    named = sorted(lost - {"*"})
    return [*named, *([EVERY_OTHER] if "*" in lost else [])]


def _allowed(template: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], _Statement]]:
    """Yield resource and Sid, actions and buckets of each statement that allows something with buckets."""
    for logical_id, resource in template.get("Resources", {}).items():
        for statement in _statements(resource.get("Properties", {}).get("Policies")):
            buckets = frozenset(_buckets(statement.get("Resource")))
            if statement.get("Effect") == "Allow" and buckets:
                actions = frozenset(_as_list(statement.get("Action")))
                yield (logical_id, str(statement.get("Sid"))), (actions, buckets)


def _statements(policies: Any) -> Iterator[Mapping[str, Any]]:
    for policy in _as_list(policies):
        document = policy.get("PolicyDocument", policy) if isinstance(policy, Mapping) else {}
        yield from (one for one in _as_list(document.get("Statement")) if isinstance(one, Mapping))


def _buckets(resources: Any) -> Iterator[str]:
    for resource in _as_list(resources):
        text = resource.get("Fn::Sub") if isinstance(resource, Mapping) else resource
        match = _BUCKET.fullmatch(text.replace("${AWS::Partition}", "aws")) if isinstance(text, str) else None
        if match:
            yield match[1]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
