"""From the logical id of a resource to the file that it comes from: a Lambda's, for its role, log group and version too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MACHINES_OUTPUT = "StateMachines"
"""The output with the names of the state machines' files as they were deployed last, with commas between them."""

_BELONGS_TO_FUNCTION = re.compile(r"|Role|LogGroup|Version[0-9a-f]{10}")


def version_owner(logical_id: str) -> str:
    """Return the logical id of the function that a version belongs to: `CopyKeys` of `CopyKeysVersion0123456789`."""
    return re.sub(r"Version[0-9a-f]{10}$", "", logical_id)


def source_of(logical_id: str, template: Mapping[str, Any]) -> str | None:
    """Return the file that a function, or its role, log group or version, comes from."""
    for function_id, resource in template.get("Resources", {}).items():
        handler = resource.get("Properties", {}).get("Handler")
        is_function = resource.get("Type") == "AWS::Serverless::Function" and isinstance(handler, str)
        rest = logical_id.removeprefix(function_id)
        if is_function and logical_id.startswith(function_id) and _BELONGS_TO_FUNCTION.fullmatch(rest):
            return f"{handler.rpartition('.')[0]}.py"
    return None
