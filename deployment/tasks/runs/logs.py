"""`fab logs`: what the functions have written to CloudWatch Logs, merged by time; with `--follow`, until Ctrl-C.

Only reads. A log group has the name `/<stack>/<file name>` (`template` makes it). CloudWatch makes events visible some
seconds late and not in order, so following looks back over what it has seen and leaves out what it has shown.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import is_throttled
from deployment.aws.installation import Installation
from deployment.console import Console
from deployment.errors import ConfigurationError
from deployment.project import source_files
from deployment.tasks.runs.log_lines import Line, line_of
from deployment.text import did_you_mean

POLL_SECONDS = 2.0
OVERLAP_SECONDS = 30
"""How far every look goes back behind the newest event: later than this, an event that becomes visible is missed."""

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
ATTEMPTS = 10
"""At a request that is throttled, after the client's own: FilterLogEvents has a low quota,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""

_SINCE = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Query:
    """What to read: functions by their file names, from when on (seconds before now), which text."""

    functions: tuple[str, ...]
    since_seconds: int
    text: str | None = None


def show(
    installation: Installation, query: Query, console: Console, follow: bool = False, as_json: bool = False
) -> None:
    """Write the events to stdout, a line each; with `follow`, never return."""
    console.step(installation.full_place)
    reader = Reader(installation, query)
    width = max(map(len, query.functions))

    def write(lines: Iterable[Line]) -> int:
        number = 0
        for line in lines:
            text = json.dumps(line.to_json()) if as_json else line.text(width)
            console.result(text, "" if as_json else line.style)
            number += 1
        return number

    start_ms = max(0, int((installation.clock.now().timestamp() - query.since_seconds) * 1000))
    if follow:
        for lines in reader.follow(start_ms):
            write(lines)
    number = write(reader.read(start_ms))
    for sentence in _missing_sentences(reader, query):
        console.step(sentence)
    if not number and len(reader.missing) < len(query.functions):
        console.step(
            f"No events in the last {span(query.since_seconds)}{_with(query.text)}. Look further back with --since."
        )


def _missing_sentences(reader: Reader, query: Query) -> list[str]:
    """Return which functions have no log group: one sentence where none of several has, as before the first deployment."""
    if len(reader.missing) == len(query.functions) > 1:
        return [
            f"There is no log group {reader.group('...')} of any function: nothing is deployed under this name. "
            "Run `fab` to deploy it."
        ]
    return [
        f"{name}: there is no log group {reader.group(name)}; the function was never deployed, or never ran."
        for name in reader.missing
    ]


def query_of(project: Path, function: str | None, since: str, text: str | None) -> Query:
    """Return what the flags ask for; raise ConfigurationError for an unknown function or a time that cannot be read."""
    return Query(_functions(project / "lambda_functions", function), since_seconds(since), text or None)


def since_seconds(since: str) -> int:
    """Return `90s`, `10m`, `2h` or `1d` as seconds; raise ConfigurationError for anything else."""
    match = _SINCE.fullmatch(since)
    if not match or not int(match[1]):
        raise ConfigurationError(
            f"--since is {since!r}: expected a number and a unit, such as 90s, 10m, 2h or 1d"
        )
    return int(match[1]) * _SECONDS[match[2]]


def span(seconds: int) -> str:
    """Return seconds as `--since` takes them, in the largest unit that fits."""
    unit = next(unit for unit in "dhms" if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def pattern_of(text: str | None) -> dict[str, str]:
    """Return the argument that lets CloudWatch look for a text: a phrase in quotes, as it stands in a line of JSON.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    if not text:
        return {}
    in_json = json.dumps(text, ensure_ascii=False)[1:-1]
    escaped = in_json.replace("\\", "\\\\").replace('"', '\\"')
    return {"filterPattern": f'"{escaped}"'}


class Reader:
    """Reads the events of several log groups; `missing` are the functions whose log group was not there."""

    def __init__(self, installation: Installation, query: Query) -> None:
        self.missing: list[str] = []
        self._logs = installation.client("logs")
        self._stack = installation.stack_name
        self._query = query
        self._sleep = installation.clock.sleep

    def group(self, function: str) -> str:
        """Return the name of a function's log group."""
        return f"/{self._stack}/{function}"

    def read(self, start_ms: int) -> Iterator[Line]:
        """Yield the lines of all functions from a time on (milliseconds since 1970), the oldest first."""
        self.missing.clear()
        streams = [self._lines(name, start_ms) for name in self._query.functions]
        yield from (line for line, _ in heapq.merge(*streams, key=_order))

    def follow(self, start_ms: int) -> Iterator[list[Line]]:
        """Yield what is new, poll by poll, without end; every event once."""
        shown: dict[object, int] = {}
        newest_ms = start_ms
        while True:
            self.missing.clear()
            from_ms = max(start_ms, newest_ms - OVERLAP_SECONDS * 1000)
            streams = [self._lines(name, from_ms) for name in self._query.functions]
            new = [(line, key) for line, key in heapq.merge(*streams, key=_order) if key not in shown]
            shown.update((key, line.at_ms) for line, key in new)
            yield [line for line, _ in new]
            newest_ms = max([newest_ms, *(line.at_ms for line, _ in new)])
            shown = {key: at for key, at in shown.items() if at >= newest_ms - OVERLAP_SECONDS * 1000}
            self._sleep(POLL_SECONDS)

    def _lines(self, function: str, start_ms: int) -> Iterator[tuple[Line, object]]:
        """Yield the lines of one function with what tells an event from all others; AWS gives an id, emulators may not."""
        for page in self._pages(function, start_ms):
            for event in page.get("events", ()):
                line = line_of(event, function)
                yield line, event.get("eventId") or (function, line.stream, line.at_ms, line.raw)

    def _pages(self, function: str, start_ms: int) -> Iterator[Mapping[str, Any]]:
        """Yield the pages; an empty one with a token is not the last."""
        request = {
            "logGroupName": self.group(function),
            "startTime": start_ms,
            **pattern_of(self._query.text),
        }
        try:
            page = self._page(request)
            yield page
            while page.get("nextToken"):
                page = self._page({**request, "nextToken": page["nextToken"]})
                yield page
        except self._logs.exceptions.ResourceNotFoundException:
            self.missing.append(function)

    def _page(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return one page, waiting longer and longer while it is throttled."""
        pause_seconds = FIRST_PAUSE_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                page: Mapping[str, Any] = self._logs.filter_log_events(**request)
                return page
            except ClientError as error:
                if not is_throttled(error):
                    raise
            self._sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
        last: Mapping[str, Any] = self._logs.filter_log_events(**request)
        return last


def _functions(folder: Path, function: str | None) -> tuple[str, ...]:
    """Return the file names asked for; a file whose front matter is wrong has a log all the same."""
    names = [path.stem for path in source_files.list_folder(folder, source_files.LAMBDAS).sources]
    if function is None:
        return tuple(names)
    if function in names:
        return (function,)
    guess = did_you_mean(function, names, cutoff=0.5)
    raise ConfigurationError(
        f"--function is {function!r}: there is no such file in lambda_functions/.{guess} Known: {', '.join(names)}."
    )


def _order(entry: tuple[Line, object]) -> tuple[int, str]:
    line, _ = entry
    return line.at_ms, line.function


def _with(text: str | None) -> str:
    return f" with {text!r}" if text else ""
