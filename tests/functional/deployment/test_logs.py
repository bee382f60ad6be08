"""`fab logs`: reading on moto; following, throttling and pages with answers made up, as moto has no late events."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from deployment.aws.installation import Installation
from deployment.console import Console
from deployment.errors import ConfigurationError
from deployment.project.settings import Settings
from deployment.tasks.runs import logs
from deployment.tasks.runs.logs import Query
from tests.installations import installed, no_sleep

NOW = 1795369572  # 2026-11-22 17:46:12 UTC
SETTINGS = Settings(stack_name="sync-buckets")
HEADER = "Account 123456789012, region eu-west-1, stack sync-buckets\n"
BOTH = ("copy_keys", "list_ranges")


def there(sleep: Callable[[float], None] = no_sleep, **clients: Any) -> Installation:
    clock = {"now": lambda: datetime.fromtimestamp(NOW, UTC), "sleep": sleep}
    return installed(SETTINGS, session=boto3.Session(region_name="eu-west-1"), clock=clock, **clients)


def shown(
    where: Installation,
    functions: tuple[str, ...] = BOTH,
    since: int = 600,
    text: str | None = None,
    **options: Any,
) -> tuple[str, str]:
    """Return what was written to stdout and to stderr."""
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err, io.StringIO(), environ={})
    query = Query(functions, since, text)
    logs.show(where, query, console, **options)
    return out.getvalue(), err.getvalue()


# On moto


@pytest.fixture
def client() -> Iterator[Any]:
    """CloudWatch Logs with the group of copy_keys; list_ranges has none."""
    with mock_aws():
        made = there().client("logs")
        make_group(made, "copy_keys")
        yield made


def make_group(client: Any, function: str) -> None:
    client.create_log_group(logGroupName=f"/sync-buckets/{function}")
    client.create_log_stream(logGroupName=f"/sync-buckets/{function}", logStreamName="s")


def write(client: Any, function: str, *events: tuple[int, Any]) -> None:
    """Write events; their times are seconds before now."""
    group = {"logGroupName": f"/sync-buckets/{function}", "logStreamName": "s"}
    written = [
        {"timestamp": (NOW - ago) * 1000, "message": text if isinstance(text, str) else json.dumps(text)}
        for ago, text in events
    ]
    client.put_log_events(**group, logEvents=written)


def test_events_of_all_functions_are_merged_by_time(client: Any) -> None:
    make_group(client, "list_ranges")
    write(
        client,
        "copy_keys",
        (50, {"level": "INFO", "message": "one"}),
        (10, {"level": "ERROR", "message": "three"}),
    )
    write(client, "list_ranges", (601, "too old"), (30, "two"))

    out, err = shown(there())

    assert out == (
        "2026-11-22 17:45:22.000  copy_keys    INFO     one\n"
        "2026-11-22 17:45:42.000  list_ranges           two\n"
        "2026-11-22 17:46:02.000  copy_keys    ERROR    three\n"
    )
    assert err == HEADER


def test_a_function_without_a_log_group_is_said_and_the_others_are_shown(client: Any) -> None:
    write(client, "copy_keys", (10, "one"))

    out, err = shown(there())

    assert out == "2026-11-22 17:46:02.000  copy_keys             one\n"
    assert err == (
        f"{HEADER}list_ranges: there is no log group /sync-buckets/list_ranges; the function was never deployed, "
        "or never ran.\n"
    )


def test_before_the_first_deployment_it_says_so_once_and_not_function_by_function(client: Any) -> None:
    client.delete_log_group(logGroupName="/sync-buckets/copy_keys")

    out, err = shown(there())

    assert (out, err) == (
        "",
        f"{HEADER}There is no log group /sync-buckets/... of any function: nothing is deployed under this name. "
        "Run `fab` to deploy it.\n",
    )


def test_where_there_is_nothing_it_says_how_far_it_looked_back(client: Any) -> None:
    write(client, "copy_keys", (601, "too old"))

    out, err = shown(there(), ("copy_keys",))

    assert (out, err) == ("", f"{HEADER}No events in the last 10m. Look further back with --since.\n")


def test_only_events_with_the_text_are_shown(client: Any) -> None:
    write(client, "copy_keys", (30, "disk full"), (20, "full disk"), (10, "all well"))

    out, _ = shown(there(), ("copy_keys",), text="disk full")

    assert out == "2026-11-22 17:45:42.000  copy_keys           disk full\n"
    assert "No events in the last 10m with 'nothing'." in shown(there(), ("copy_keys",), text="nothing")[1]


def test_as_json_every_event_is_an_object_on_a_line_of_its_own(client: Any) -> None:
    write(client, "copy_keys", (10, {"level": "INFO", "message": "a\nb", "requestId": "r"}), (5, "two"))

    out, err = shown(there(), ("copy_keys",), as_json=True)

    found = [json.loads(line) for line in out.splitlines()]
    assert [
        (one["time"], one["function"], one["level"], one["message"], one["requestId"]) for one in found
    ] == [
        ("2026-11-22T17:46:02.000Z", "copy_keys", "INFO", "a\nb", "r"),
        ("2026-11-22T17:46:07.000Z", "copy_keys", None, "two", None),
    ]
    assert err == HEADER


# With answers made up


class Answers:
    """A CloudWatch Logs that answers what it was told to, call by call; an exception is raised."""

    class exceptions:
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def filter_log_events(self, **request: Any) -> Any:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def event(ago: int, text: str, event_id: str | None = None) -> dict[str, Any]:
    found = {"timestamp": (NOW - ago) * 1000, "message": text, "logStreamName": "s"}
    return found | ({"eventId": event_id} if event_id else {})


def page(*events: dict[str, Any], token: str | None = None) -> dict[str, Any]:
    return {"events": list(events)} | ({"nextToken": token} if token else {})


def throttled() -> ClientError:
    error: Any = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
    return ClientError(error, "FilterLogEvents")


def messages(out: str) -> list[str]:
    return [line.rpartition("  ")[2] for line in out.splitlines()]


def test_an_empty_page_with_a_token_is_not_the_last() -> None:
    client = Answers(page(token="t"), page(event(9, "one"), token="u"), page(event(8, "two")))

    out, _ = shown(there(logs=client), ("copy_keys",))

    assert messages(out) == ["one", "two"]
    assert [request.get("nextToken") for request in client.requests] == [None, "t", "u"]
    assert {request["startTime"] for request in client.requests} == {(NOW - 600) * 1000}


def test_throttling_is_waited_for_longer_and_longer_and_then_reported() -> None:
    naps: list[float] = []
    client = Answers(throttled(), throttled(), page(event(9, "one")))

    out, _ = shown(there(naps.append, logs=client), ("copy_keys",))
    assert (messages(out), naps) == (["one"], [2.0, 4.0])

    naps.clear()
    with pytest.raises(ClientError, match="Rate exceeded"):
        shown(there(naps.append, logs=Answers(*[throttled()] * 10)), ("copy_keys",))
    assert naps == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]


def test_any_other_refusal_is_not_waited_for() -> None:
    refused: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}

    with pytest.raises(ClientError, match="AccessDeniedException"):
        shown(there(logs=Answers(ClientError(refused, "FilterLogEvents"))), ("copy_keys",))


def until_interrupted(looks: int) -> Callable[[float], None]:
    """Return a sleep that Ctrl-C ends at the given look."""
    left = iter(range(looks - 1))

    def sleep(seconds: float) -> None:
        assert seconds == logs.POLL_SECONDS
        if next(left, None) is None:
            raise KeyboardInterrupt

    return sleep


def followed(*answers: Any, functions: tuple[str, ...] = ("copy_keys",)) -> tuple[list[str], Answers]:
    """Follow until the answers are used up, one look each and function; return the messages, and what was asked."""
    client, out = Answers(*answers), io.StringIO()
    console = Console(out, io.StringIO(), io.StringIO(), environ={})
    with pytest.raises(KeyboardInterrupt):
        pause = until_interrupted(len(answers) // len(functions))
        logs.show(there(pause, logs=client), Query(functions, 600), console, follow=True)
    assert client.answers == []
    return messages(out.getvalue()), client


def test_following_shows_every_event_once_also_those_that_come_late() -> None:
    found, client = followed(
        page(event(40, "one", "1"), event(20, "three", "3")),
        page(event(40, "one", "1"), event(30, "two, late", "2"), event(20, "three", "3")),
        page(event(30, "two, late", "2"), event(20, "three", "3"), event(5, "four", "4")),
        page(event(20, "three", "3"), event(5, "four", "4")),
    )

    assert found == ["one", "three", "two, late", "four"]
    starts = [(NOW * 1000 - request["startTime"]) // 1000 for request in client.requests]
    assert starts == [600, 50, 50, 35]


def test_events_without_an_id_are_told_apart_by_what_they_are() -> None:
    again = event(20, "same")

    assert followed(page(again), page(again, event(19, "same"), event(20, "other")))[0] == [
        "same",
        "same",
        "other",
    ]


def test_following_merges_functions_within_each_look() -> None:
    found, _ = followed(page(event(9, "b", "1")), page(event(10, "a", "2")), functions=BOTH)

    assert found == ["a", "b"]


def test_a_log_group_that_appears_while_followed_is_read() -> None:
    absent = Answers.exceptions.ResourceNotFoundException()

    assert followed(absent, page(event(5, "one", "1")))[0] == ["one"]


# What the flags ask for


@pytest.mark.parametrize(
    "since, seconds", [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400), ("007m", 420)]
)
def test_a_time_is_a_number_with_a_unit(since: str, seconds: int) -> None:
    assert logs.since_seconds(since) == seconds


@pytest.mark.parametrize(
    "since", ["", "10", "m", "0m", "-1m", "1.5h", "10 m", "10M", "1w", "١m", "1h30m", "9" * 10 + "d"]
)
def test_any_other_time_is_refused_with_examples(since: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        logs.since_seconds(since)

    assert (
        str(caught.value) == f"--since is {since!r}: expected a number and a unit, such as 90s, 10m, 2h or 1d"
    )


@pytest.mark.parametrize(
    "seconds, text", [(90, "90s"), (600, "10m"), (7200, "2h"), (86400, "1d"), (90000, "25h")]
)
def test_a_time_is_repeated_in_the_largest_unit_that_fits(seconds: int, text: str) -> None:
    assert logs.span(seconds) == text


def test_a_time_before_1970_begins_there() -> None:
    client = Answers(page())
    shown(there(logs=client), ("copy_keys",), since=10**12)

    assert client.requests[0]["startTime"] == 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lambda_functions").mkdir()
    for name in ("copy_keys.py", "list_ranges.py", "__init__.py"):
        (tmp_path / "lambda_functions" / name).write_text("this has no front matter")
    return tmp_path


def test_without_a_function_all_are_meant_even_those_that_cannot_be_deployed(project: Path) -> None:
    assert logs.query_of(project, None, "10m", None) == Query(BOTH, 600)
    assert logs.query_of(project, "list_ranges", "1d", "x") == Query(("list_ranges",), 86400, "x")


@pytest.mark.parametrize(
    "name, guess",
    [("copy-keys", " Did you mean copy_keys?"), ("list", " Did you mean list_ranges?"), ("zzz", "")],
)
def test_an_unknown_function_is_answered_with_the_nearest_and_all_names(
    project: Path, name: str, guess: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        logs.query_of(project, name, "10m", None)

    assert str(caught.value) == (
        f"--function is {name!r}: there is no such file in lambda_functions/.{guess} Known: copy_keys, list_ranges."
    )


@pytest.mark.parametrize(
    "text, pattern",
    [
        ("disk full", '"disk full"'),
        ("ERROR", '"ERROR"'),
        ("?x -y {z}", '"?x -y {z}"'),
        ('say "hi"', '"say \\\\\\"hi\\\\\\""'),
        ("größer", '"größer"'),
    ],
)
def test_a_text_is_looked_for_as_a_phrase_as_it_stands_in_json(text: str, pattern: str) -> None:
    assert logs.pattern_of(text) == {"filterPattern": pattern}
