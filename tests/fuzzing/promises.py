"""What every target promises in the same way."""

from __future__ import annotations

import json
import re
from typing import Any

# Words of Python, and of its way to show things, which say nothing to a person.
_OF_A_PROGRAM = re.compile(
    r"Traceback|\b(Key|Type|Attribute|Index|Recursion|Assertion|Value|Unicode\w+)Error\b|object at 0x|<class '|NoneType|"
    r"list indices|unhashable|not subscriptable|positional argument|unexpected keyword"
)
# Nobody reads more about one mistake.
MOST_CHARACTERS = 6000


def require_clear(sentence: str, *names: str) -> None:
    """Raise AssertionError where a message is none for a person: empty, endless, in a program's words, or without a name."""
    assert sentence.strip(), "nothing is said"
    assert len(sentence) <= MOST_CHARACTERS, f"{len(sentence)} characters are said"
    found = _OF_A_PROGRAM.search(sentence)
    assert not found, f"{found[0]!r} says nothing to a person: {sentence[:300]}"
    assert re.search(r"[a-z]{3}", sentence), f"this is no sentence: {sentence[:300]}"
    for name in names:
        assert name in sentence, f"{name} is not named: {sentence[:300]}"


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are the same in JSON: 1 is not true, and no number is another one."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
