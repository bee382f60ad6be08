"""From the module `fabfile_config` to one frozen `Settings`, with all mistakes in one report.

The first step of the pipeline. It says what may stand in the configuration; `fabfile_config_template.py`
says why. It asks nobody: whether a bucket or a key exists is found out by AWS. A setting that is left out
has the template's value.

What wins: the environment (AWS_PROFILE; AWS_REGION, else AWS_DEFAULT_REGION), then the configuration, then
the default.
"""

from __future__ import annotations

import ast
import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from deployment.errors import ConfigurationError, Problem
from deployment.project import setting_values as values
from deployment.text import did_you_mean, nearest_name

CONFIG_MODULE = "fabfile_config"
TEMPLATE_MODULE = "fabfile_config_template"


@dataclass(frozen=True)
class Settings:
    """What the person who deploys has chosen; every field is described in `fabfile_config_template.py`."""

    stack_name: str = "sync-buckets"
    region: str | None = None
    profile: str | None = None
    allowed_accounts: tuple[str, ...] = ()
    source_buckets: tuple[str, ...] = ()
    destination_buckets: tuple[str, ...] = ()
    kms_key_arns: tuple[str, ...] = ()
    run_retention_days: int = 30
    log_retention_days: int = 30
    max_concurrency: int | None = None
    max_delete: int | str | None = None
    permissions_boundary_arn: str | None = None
    termination_protection: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Rule:
    """Where a name goes; `check` returns the value to keep or raises ValueError with what is expected."""

    field: str
    check: Callable[[Any], Any]


RULES: Mapping[str, _Rule] = {
    "STACK_NAME": _Rule("stack_name", values.stack_name),
    "AWS_REGION": _Rule("region", values.optional(values.region)),
    "AWS_PROFILE": _Rule("profile", values.optional(values.profile)),
    "ALLOWED_ACCOUNTS": _Rule("allowed_accounts", values.each(values.account_id)),
    "SOURCE_BUCKETS": _Rule("source_buckets", values.each(values.bucket_name)),
    "DESTINATION_BUCKETS": _Rule("destination_buckets", values.each(values.bucket_name)),
    "KMS_KEY_ARNS": _Rule("kms_key_arns", values.each(values.kms_key_arn)),
    "RUN_RETENTION_DAYS": _Rule(
        "run_retention_days", values.whole_number(*values.RUN_RETENTION_DAYS, "days, {} to {}")
    ),
    "LOG_RETENTION_DAYS": _Rule("log_retention_days", values.log_retention_days),
    "MAX_CONCURRENCY": _Rule(
        "max_concurrency",
        values.optional(
            values.whole_number(1, values.MAX_CONCURRENCY, "a whole number from {} to {}, or None")
        ),
    ),
    "MAX_DELETE": _Rule("max_delete", values.optional(values.max_delete)),
    "PERMISSIONS_BOUNDARY_ARN": _Rule("permissions_boundary_arn", values.optional(values.policy_arn)),
    "TERMINATION_PROTECTION": _Rule("termination_protection", values.yes_or_no),
    "TAGS": _Rule("tags", values.tags),
}

_LIKENESS = 0.75
"""From here on a name counts as a mistyped setting and no longer as one of the user's own."""

_ENVIRONMENT = {"AWS_PROFILE": ("AWS_PROFILE",), "AWS_REGION": ("AWS_REGION", "AWS_DEFAULT_REGION")}


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `fabfile_config.py`; raise ConfigurationError when it cannot be used."""
    try:
        module = importlib.import_module(CONFIG_MODULE)
    except ModuleNotFoundError as error:
        if error.name != CONFIG_MODULE:
            raise _not_importable(error) from error
        raise ConfigurationError(
            f"{CONFIG_MODULE}.py is missing. Run: cp {TEMPLATE_MODULE}.py {CONFIG_MODULE}.py"
        ) from error
    except (
        Exception
    ) as error:  # the file is a person's own Python: whatever it raises is theirs to read in one line
        raise _not_importable(error) from error
    return from_module(module, environ)


def defaults(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the template, for tasks that need no configuration of one's own."""
    return from_module(importlib.import_module(TEMPLATE_MODULE), environ)


def load_or_defaults(folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `fabfile_config.py` if that is in the folder, else those of the template; raise as `load`."""
    return load(environ) if (folder / f"{CONFIG_MODULE}.py").exists() else defaults(environ)


def from_module(module: ModuleType, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in `module`, overruled by `environ`; raise ConfigurationError with all mistakes."""
    path, lines = f"{module.__name__}.py", _lines(module)
    given = _assignments(module)
    problems = [
        Problem(path, lines.get(name), _unknown_sentence(name)) for name in given if name not in RULES
    ]
    kept: dict[str, Any] = {}
    for name, value, place in _values(given, environ):
        try:
            kept[RULES[name].field] = RULES[name].check(value)
        except ValueError as error:
            problems.append(
                Problem(place or path, None if place else lines.get(name), f"{name} is {value!r}: {error}")
            )
    if problems:
        raise ConfigurationError(_report(path, problems), problems)
    return Settings(**kept)


def _assignments(module: ModuleType) -> dict[str, Any]:
    """What the module sets, without helpers: lower case and like no setting, or with an underscore first."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not callable(value)
        and not isinstance(value, ModuleType)
        and (name.isupper() or nearest_name(name.upper(), RULES, _LIKENESS))
    }


def _values(given: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[tuple[str, Any, str | None]]:
    """Yield name, value, and the environment variable it came from, if any."""
    for name in RULES:
        variable = next((key for key in _ENVIRONMENT.get(name, ()) if environ.get(key)), None)
        if variable:
            yield name, environ[variable], f"environment variable {variable}"
        elif name in given:
            yield name, given[name], None


def _unknown_sentence(name: str) -> str:
    guess = did_you_mean(name.upper(), RULES, cutoff=_LIKENESS)
    return f"{name} is not a setting.{guess or ' Begin a name of your own with an underscore.'}"


def _lines(module: ModuleType) -> dict[str, int]:
    """The line on which each name is assigned last; empty for a module without a source file."""
    path = getattr(module, "__file__", None)
    if not path or not Path(path).is_file():
        return {}
    targets = (
        (target, statement.lineno)
        for statement in ast.parse(Path(path).read_text(encoding="utf-8")).body
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
    )
    return {target.id: line for target, line in targets if isinstance(target, ast.Name)}


def _not_importable(error: Exception) -> ConfigurationError:
    line = error.lineno if isinstance(error, SyntaxError) else None
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    problem = Problem(f"{CONFIG_MODULE}.py", line, f"cannot be imported: {type(error).__name__}: {text}")
    return ConfigurationError(str(problem).replace(": ", " ", 1), [problem])


def _report(path: str, problems: list[Problem]) -> str:
    listed = "\n".join(f"  {problem}" for problem in sorted(problems, key=lambda found: found.line or 0))
    return f"{path} cannot be used as it is:\n{listed}\n{TEMPLATE_MODULE}.py explains every setting."
