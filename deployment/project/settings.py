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
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from deployment.errors import ConfigurationError, Problem
from deployment.project import setting_values as values
from deployment.syncs import allowed_buckets, entries, overlaps
from deployment.text import did_you_mean, nearest_name, short_repr

_Place = tuple[Any, ...]
"""The name of a setting, or that and the index or name of an element."""

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
    syncs: tuple[entries.Sync, ...] = ()
    notify: str | tuple[str, ...] = ()
    notify_on: str = values.ON_FAILURE
    notify_after_intervals: int = 2
    dashboard: bool = False

    @property
    def has_metrics(self) -> bool:
        """Whether anything looks at metrics of runs, so that they are to write them: each costs by the month."""
        return bool(self.notify) or self.dashboard


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
    "SOURCE_BUCKETS": _Rule("source_buckets", values.buckets),
    "DESTINATION_BUCKETS": _Rule("destination_buckets", values.buckets),
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
    "SYNCS": _Rule("syncs", overlaps.read_entries),
    "NOTIFY": _Rule("notify", values.notify),
    "NOTIFY_ON": _Rule("notify_on", values.notify_on),
    "NOTIFY_AFTER_INTERVALS": _Rule("notify_after_intervals", values.whole_number(1, values.MAX_INTERVALS)),
    "DASHBOARD": _Rule("dashboard", values.yes_or_no),
}

_LIKENESS = 0.75
"""From here on a name counts as a mistyped setting and no longer as one of the user's own."""

_ENVIRONMENT = {"AWS_PROFILE": ("AWS_PROFILE",), "AWS_REGION": ("AWS_REGION", "AWS_DEFAULT_REGION")}


@dataclass(frozen=True)
class Examined:
    """What could be understood of a configuration: settings, with the default where one has a mistake.

    `wrong` has the names of the settings that have mistakes; all of them where the file cannot be read.
    """

    settings: Settings
    problems: tuple[Problem, ...]
    wrong: frozenset[str]


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `fabfile_config.py`; raise ConfigurationError when it cannot be used."""
    return from_module(_imported(), environ)


def examine(environ: Mapping[str, str] = os.environ) -> Examined:
    """Return what can be understood of `fabfile_config.py`; for checks, which go on in spite of mistakes."""
    try:
        return _examine(_imported(), environ)
    except ConfigurationError as error:
        problems = error.problems or (Problem(f"{CONFIG_MODULE}.py", None, str(error)),)
        return Examined(Settings(), problems, frozenset(RULES))


def defaults(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the template, for tasks that need no configuration of one's own."""
    return from_module(importlib.import_module(TEMPLATE_MODULE), environ)


def load_or_defaults(folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `fabfile_config.py` if that is in the folder, else those of the template; raise as `load`."""
    path = folder / f"{CONFIG_MODULE}.py"
    return load(environ) if path.exists() or path.is_symlink() else defaults(environ)


def from_module(module: ModuleType, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in `module`, overruled by `environ`; raise ConfigurationError with all mistakes."""
    examined = _examine(module, environ)
    if examined.problems:
        raise ConfigurationError(_report(f"{module.__name__}.py", examined.problems), examined.problems)
    return examined.settings


def _imported() -> ModuleType:
    """The configuration, which is a person's own Python: whatever it raises is theirs to read in one line."""
    missing = f"{CONFIG_MODULE}.py is missing. Run: cp {TEMPLATE_MODULE}.py {CONFIG_MODULE}.py"
    try:
        module = importlib.import_module(CONFIG_MODULE)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: `exit()` would end `fab` without a word
        if isinstance(error, ModuleNotFoundError) and error.name == CONFIG_MODULE:
            raise ConfigurationError(missing) from error
        raise _not_importable(error) from error
    if getattr(module, "__file__", None) is None:  # a folder of this name is a package, without any setting
        raise ConfigurationError(f"{CONFIG_MODULE} is a folder. {missing}")
    return module


def _examine(module: ModuleType, environ: Mapping[str, str]) -> Examined:
    path, lines = f"{module.__name__}.py", _lines(module)
    given = _assignments(module)
    unknown = [name for name in given if name not in RULES]
    problems = [Problem(path, lines.get((name,)), _unknown_sentence(name)) for name in unknown]
    wrong = {nearest_name(name.upper(), RULES, _LIKENESS) for name in unknown}
    kept: dict[str, Any] = {}
    for name, value, variable in _values(given, environ):
        try:
            kept[RULES[name].field] = RULES[name].check(value)
        except ValueError as error:
            wrong.add(name)
            where = variable or path
            for place, message in _mistakes_of(name, value, error):
                line = None if variable else _line_of_place(place, lines)
                problems.append(Problem(where, line, message))
    found = _judge_buckets(kept, wrong)
    problems += [Problem(path, _line_of_place(place, lines), text) for place, text in found]
    return Examined(Settings(**kept), tuple(problems), frozenset(name for name in wrong if name))


def _judge_buckets(kept: dict[str, Any], wrong: set[str | None]) -> list[tuple[_Place, str]]:
    """Put the buckets of SYNCS where they are asked for; return where a list and SYNCS do not fit each other, and a sentence."""
    syncs = None if "SYNCS" in wrong else kept.get("syncs", ())
    found: list[tuple[_Place, str]] = []
    for side in allowed_buckets.SIDES:
        field = RULES[side.setting].field
        settled = allowed_buckets.settle(side, kept.get(field, ()), syncs)
        kept[field] = settled.buckets
        wrong |= settled.wrong
        found += settled.problems
    return found


def _line_of_place(place: _Place, lines: Mapping[_Place, int]) -> int | None:
    """Return the line of an element, or of the nearest that holds it and is written out."""
    return next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), None)


def _mistakes_of(name: str, value: Any, error: ValueError) -> Iterator[tuple[_Place, str]]:
    """Yield place and sentence of what is wrong with a setting: of each wrong element of a list or mapping."""
    if isinstance(error, entries.WrongEntries):
        for place, sentence in error.found:
            yield (name, *place), f"{name}[{short_repr(place[0])}]{sentence}"
        return
    if not isinstance(error, values.WrongElements):
        yield (name,), f"{name} is {short_repr(value)}: {error}"
        return
    for part, element, message in error.found:
        yield (name, part), f"{name}[{short_repr(part)}] is {short_repr(element)}: {message}"


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


def _lines(module: ModuleType) -> dict[_Place, int]:
    """The line on which each name is assigned last, and those of its elements; empty for a module without a source file."""
    path = getattr(module, "__file__", None)
    if not path or not Path(path).is_file():
        return {}
    lines: dict[_Place, int] = {}
    for statement in ast.parse(
        Path(path).read_bytes()
    ).body:  # bytes: with a BOM or in the encoding of its cookie
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for name in [target.id for target in targets if isinstance(target, ast.Name)]:
                lines[(name,)] = statement.lineno
                lines |= {(name, *place): line for place, line in _lines_of_elements(statement.value)}
    return lines


def _lines_of_elements(value: ast.expr | None) -> Iterator[tuple[_Place, int]]:
    """Yield the line of each element of a list or mapping that is written out, and of the elements of those in a mapping."""
    if isinstance(value, ast.List | ast.Tuple):
        yield from (((index,), element.lineno) for index, element in enumerate(value.elts))
    elif isinstance(value, ast.Dict):
        for key, element in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant):
                yield (key.value,), key.lineno
                yield from (((key.value, *place), line) for place, line in _lines_of_elements(element))


def _not_importable(error: BaseException) -> ConfigurationError:
    text = error.msg if isinstance(error, SyntaxError) else "" if error.args == (None,) else str(error)
    said = ": ".join(filter(None, [type(error).__name__, " ".join(text.split())]))
    message = f"cannot be imported: {said}"
    if isinstance(error, SystemExit):
        message = f"ends the program ({said}): expected settings only; remove what does that"
    problem = Problem(f"{CONFIG_MODULE}.py", _line_of(error), message)
    return ConfigurationError(str(problem).replace(": ", " ", 1), [problem])


def _line_of(error: BaseException) -> int | None:
    """The line of the configuration that an error comes from, None where it comes from elsewhere."""
    if isinstance(error, SyntaxError) and Path(error.filename or "").stem == CONFIG_MODULE:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next(
        (frame.lineno for frame in reversed(frames) if Path(frame.filename).stem == CONFIG_MODULE), None
    )


def _report(path: str, problems: Sequence[Problem]) -> str:
    listed = "\n".join(f"  {problem}" for problem in sorted(problems, key=lambda found: found.line or 0))
    return f"{path} cannot be used as it is:\n{listed}\n{TEMPLATE_MODULE}.py explains every setting."
