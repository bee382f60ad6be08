"""The settings of a person's configuration, of any values."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from deployment.build import template
from deployment.errors import ConfigurationError
from deployment.project import settings
from deployment.project.settings import RULES

from .inputs import draw_entry
from .mutating import changed_json
from .promises import require_clear
from .running import Target

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


TARGETS = (Target("settings", draw_settings, accepts_settings),)
