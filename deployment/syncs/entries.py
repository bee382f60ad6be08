"""A sync that the configuration names: what its executions are given, and when they start.

An entry is judged by the code that judges the input of an execution, and its schedule by our own, so that neither AWS nor a run
in the night finds a mistake first. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.text import nearest_name, short_repr

UTC = "UTC"
OF_A_SCHEDULE = ("schedule", "timezone")
OF_SETTINGS = {"maxDelete": "MAX_DELETE of fabfile_config.py"}
"""Where an option comes from that an input does not have, as far as anything is said of it."""
NOT_IN_AN_ENTRY = {
    "name": "the name of a sync stands before its entry; leave it out",
    "plan": "a plan is good for one execution; leave it out",
    "planDigest": "a plan is good for one execution; leave it out",
}


@dataclass(frozen=True)
class Sync:
    """An entry of SYNCS.

    `input` is what an execution of it is given, its `name` included; `schedule` an expression of EventBridge Scheduler, None for
    a sync that people start; `timezone` the name of a zone of the IANA's database, in which a `cron` or `at` is read.
    """

    name: str
    input: Mapping[str, Any]
    schedule: str | None = None
    timezone: str = UTC


class WrongEntries(ValueError):
    """Entries that cannot stand: of each mistake the keys that lead to it, and a whole sentence without what it is about."""

    def __init__(self, found: Sequence[tuple[tuple[Any, ...], str]]) -> None:
        super().__init__("; ".join(message for _, message in found))
        self.found = tuple(found)


class ConfigurationSpelling:
    """Options as they are written in Python."""

    patterns = '["*.log", "tmp/*"]'
    as_text = " in quotes"
    example = '{"photos": {"source": "my-source-bucket", "destination": "my-destination-bucket"}}'

    def name(self, option: str) -> str:
        return f'"{option}"'

    def pair(self, option: str, value: Any) -> str:
        return f'"{option}": {short_repr(value)}'

    def given(self, option: str, value: Any) -> str:
        return f'"{option}" is {short_repr(value)}'


def read(value: Any) -> tuple[Sync, ...]:
    """Return the entries of SYNCS; raise ValueError with what is expected, WrongEntries with the mistakes of each entry."""
    if not isinstance(value, Mapping):
        raise ValueError(f"expected names and their syncs, such as {ConfigurationSpelling.example}")
    wrong = [mistake for name, entry in value.items() for mistake in _mistakes(name, entry)]
    if wrong:
        raise WrongEntries(wrong)
    return tuple(_entry(name, entry) for name, entry in value.items())


def buckets(syncs: Sequence[Sync], side: str) -> tuple[str, ...]:
    """Return the buckets that syncs name as `side`, "source" or "destination", each once, in their order."""
    return tuple(dict.fromkeys(str(sync.input[side]) for sync in syncs))


def origins(syncs: Sequence[Sync], given: Mapping[str, Any]) -> dict[str, str]:
    """Return where options of an execution's input come from that nobody has typed: `"maxDelete" of SYNCS['photos']`, by option.

    An input that names a plan has the options of the plan's dry run, of which nothing is known here.
    """
    if "plan" in given:
        return {}
    sync = next((sync for sync in syncs if sync.name == given.get("name")), None)
    of_entry = {option: value for option, value in sync.input.items() if option != "name"} if sync else {}
    return {
        **{option: setting for option, setting in OF_SETTINGS.items() if option not in given},
        **{
            option: f'"{option}" of SYNCS[{given["name"]!r}]'
            for option, value in of_entry.items()
            if option in given and given[option] == value
        },
    }


def _entry(name: str, entry: Mapping[str, Any]) -> Sync:
    return Sync(name, _input(name, entry), entry.get("schedule"), entry.get("timezone", UTC))


def _input(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: _plain(part) for key, part in entry.items() if key not in OF_A_SCHEDULE}
    return {**given, "name": name}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _mistakes(name: Any, entry: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    from lambda_functions.shared.option_rules import name_problem  # only who names syncs waits for it

    expected = name_problem(name)
    if expected:
        yield (name,), f" is {short_repr(entry)}: {expected}, as the name of a sync"
    elif not isinstance(entry, Mapping) or not all(isinstance(key, str) for key in entry):
        example = '{"source": "my-source-bucket", "destination": "my-destination-bucket"}'
        yield (name,), f" is {short_repr(entry)}: expected the input of an execution, such as {example}"
    else:
        yield from (((name, *place), f": {text}") for place, text in _mistakes_of_input(name, entry))
        yield from (((name, *place), f": {text}") for place, text in _mistakes_of_schedule(entry))


def _mistakes_of_input(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong with all but the schedule: which key, if one alone, and a sentence."""
    from lambda_functions.shared import options

    known = (*(name for name in options.NAMES if name not in NOT_IN_AN_ENTRY), *OF_A_SCHEDULE)
    unknown = [key for key in entry if key not in (*known, *NOT_IN_AN_ENTRY, *options.PASSED_OVER)]
    yield from (((key,), f'"{key}" is not an option ({_meant(key, known)})') for key in unknown)
    for key in [key for key in entry if key in NOT_IN_AN_ENTRY]:
        yield (key,), f'"{key}" is {short_repr(entry[key])}; {NOT_IN_AN_ENTRY[key]}'
    left_out = (*unknown, *NOT_IN_AN_ENTRY)
    given = _input(name, {key: part for key, part in entry.items() if key not in left_out})
    if not _is_json(given):
        yield (
            (),
            "it has a value that JSON does not know; expected texts, numbers, True, False and lists of texts",
        )
        return
    for problem in options.find_problems(given, {}, ConfigurationSpelling()):
        where = next((key for key in entry if problem.startswith(f'"{key}" ')), None)
        yield (where,) if where else (), _in_python(problem)


def _meant(key: str, known: Sequence[str]) -> str:
    """Return which option of an entry is like a key that is none, else all that there are."""
    spelled = {name.lower(): name for name in known}
    nearest = nearest_name(key.strip(" :").lower(), spelled)
    return f'did you mean "{spelled[nearest]}"?' if nearest else f"known are {', '.join(known)}"


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _in_python(problem: str) -> str:
    """Return what is expected in the words of a file of Python: JSON's `true` is a name that Python does not know."""
    said, separator, expected = problem.rpartition("; expected ")
    return said + separator + expected.replace("true", "True").replace("false", "False")


def _mistakes_of_schedule(entry: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    from deployment.syncs import expressions, times

    schedule = entry.get("schedule")
    if schedule is not None:
        try:
            times.require_date(expressions.parse(schedule))
        except ValueError as error:
            yield ("schedule",), f'"schedule" is {short_repr(schedule)}; {error}'
    if "timezone" not in entry:
        return
    if schedule is None:
        yield ("timezone",), '"timezone" stands without "schedule"; expected both, or none of them'
        return
    try:
        expressions.require_timezone(entry["timezone"])
    except ValueError as error:
        yield ("timezone",), f'"timezone" is {short_repr(entry["timezone"])}; {error}'
