"""The tags on everything that is deployed; by them SyncBuckets knows what is its own.

Used by all steps that create something. Nothing without these tags is ever changed or deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployment.project.settings import Settings

STACK_TAG = "syncbuckets:stack"
"""Its value is the stack's name; on the stack, its resources, the deployment bucket and the state machines."""

DEFINITION_TAG = "syncbuckets:definition"
"""On state machines: the hash of definition and role, which tells whether anything has changed."""


def tags_of(settings: Settings) -> dict[str, str]:
    """Return the tags of the settings and our own, which nobody can overrule."""
    return {**settings.tags, STACK_TAG: settings.stack_name}


def is_ours(tags: Mapping[str, str], settings: Settings) -> bool:
    """Whether something with these tags belongs to the stack of these settings."""
    return tags.get(STACK_TAG) == settings.stack_name


def own_tags(found: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the tags of a stack (DescribeStacks' description) but AWS's own; none, where there is no stack."""
    tags = (found or {}).get("Tags", ())
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


def upper_case_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as CloudFormation and S3 take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
