"""The pages of the documentation, and the policies that docs/permissions.md has for people to copy."""

from __future__ import annotations

import json
import re
from typing import Any

from iam_grants import PROJECT


def page(name: str) -> str:
    """Return the text of a page."""
    return (PROJECT / "docs" / name).read_text(encoding="utf-8")


def policy(name: str) -> dict[str, Any]:
    """Return the JSON document behind the comment `<!-- policy: name -->`."""
    found = re.search(rf"<!-- policy: {name} -->\n```json\n(.*?)```", page("permissions.md"), re.DOTALL)
    assert found, name
    document: dict[str, Any] = json.loads(found[1])
    return document
