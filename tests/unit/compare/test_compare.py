"""Comparing a range: its record, and what a person is told of it. What is compared is in tests/functional."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError
from listed_bucket import ListedBucket, RefusingBucket
from samples import FOLDER, MemoryS3, client_error, memory_folder, run_of

from lambda_functions.shared.compare import compare as module
from lambda_functions.shared.compare.compare import compare, compare_once, describe_range
from lambda_functions.shared.compare.pieces import Chunk
from lambda_functions.shared.compare.plan_writer import PlanWriter
from lambda_functions.shared.compare.streams import Streams
from lambda_functions.shared.compare.undecided import Resolver
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.work_bucket.heartbeat import Heartbeat

EVER = Turn(0.0, 100.0, "attempt", lambda: 0.0)
OVER = Turn(0.0, 100.0, "attempt", lambda: 100.0)


def compared(
    source: Any, destination: Any, turn: Turn = EVER, range_id: str = "1-0001", run: Run | None = None
) -> dict[str, Any]:
    """Return the record of comparing two whole buckets."""
    clients = Clients(source, destination, MemoryS3(), RequestCounter())
    return compare(clients, run or run_of(), range_id, KeyRange(), turn)


@pytest.mark.parametrize(
    ("key_range", "keys"),
    [
        (KeyRange(), "the whole bucket"),
        (KeyRange("a", None), "keys after 'a'"),
        (KeyRange(None, "m"), "keys up to 'm'"),
        (KeyRange("", "m"), "keys after '' up to 'm'"),
    ],
)
def test_a_range_is_told_in_words(key_range: KeyRange, keys: str) -> None:
    assert describe_range(run_of(), key_range) == f"s3://from/ -> s3://into/ ({keys})"


def test_all_keys_under_a_prefix_are_not_the_whole_bucket() -> None:
    run = run_of(prefix="a/", destinationPrefix="b/")

    assert describe_range(run, KeyRange()) == "s3://from/a/ -> s3://into/b/ (the whole prefix)"


# --- The record ---------------------------------------------------------------------------------------------------

WHOLE = {"after": None, "upTo": None}


def test_a_range_that_is_compared_to_its_end_hands_nothing_back() -> None:
    record = compared(ListedBucket("abc"), ListedBucket("b"))

    assert record["range"] == {"id": "1-0001", **WHOLE}
    assert (record["broken"], record["decided"], record["handedBack"]) == ("", [WHOLE], [])
    assert (record["listed"], record["paired"]) == ({"source": 3, "destination": 1}, 1)


def test_a_range_whose_time_is_spent_hands_back_what_is_left() -> None:
    record = compared(ListedBucket("abcd", 2), ListedBucket("abcd", 2), OVER)

    assert record["broken"] == ""
    assert record["decided"] == [{"after": None, "upTo": "b"}]
    assert record["handedBack"] == [{"after": "b", "upTo": None}]


DENIED = client_error(403, "AccessDenied", "ListObjectsV2", "Access Denied")
BUSY = client_error(503, "SlowDown", "ListObjectsV2", "Please reduce your request rate.")


def test_a_listing_that_is_refused_breaks_the_range_which_hands_nothing_back() -> None:
    """Else the next wave would ask in vain once more, and the one after it."""
    record = compared(RefusingBucket(DENIED), ListedBucket("abc"))

    assert record["broken"].startswith(
        "s3://from/ -> s3://into/ (the whole bucket) could not be compared: AccessDenied: "
    )
    assert (record["decided"], record["handedBack"]) == ([], [])


def test_keys_out_of_order_break_the_range() -> None:
    record = compared(ListedBucket("ab"), ListedBucket(["b", "a"], is_sorted=False))

    assert record["broken"] == (
        "s3://from/ -> s3://into/ (the whole bucket) could not be compared: "
        "s3://into/ lists 'a' after 'b': its keys are not in order"
    )
    assert record["handedBack"] == []


def test_what_another_attempt_may_get_over_is_raised_and_leaves_no_record() -> None:
    work = MemoryS3()
    clients = Clients(RefusingBucket(BUSY), ListedBucket("abc"), work, RequestCounter())

    with pytest.raises(ClientError, match="SlowDown"):
        compare_once(clients, run_of(), "1-0001", KeyRange(), EVER)

    assert work.files == {}


@pytest.mark.parametrize(
    ("status", "code", "is_permanent"), [(403, "AccessDenied", True), (503, "SlowDown", False)]
)
def test_a_file_of_the_plan_that_is_refused_for_good_breaks_the_range(
    status: int, code: str, is_permanent: bool
) -> None:
    class Unwritable(PlanWriter):
        def decide_all(self, chunk: Chunk, resolver: Resolver) -> None:
            raise client_error(status, code, "PutObject", "No")

    clients = Clients(ListedBucket("a"), ListedBucket("a"), MemoryS3(), RequestCounter())

    with nullcontext() if is_permanent else pytest.raises(ClientError, match=code):
        record = compare(clients, run_of(), "1-0001", KeyRange(), EVER, None, Unwritable)
        assert (
            record["broken"]
            == f"s3://from/ -> s3://into/ (the whole bucket) could not be compared: {code}: No (PutObject)"
        )


def test_a_range_is_compared_once_and_its_record_is_read_by_the_next_attempt() -> None:
    source, work = ListedBucket("abc"), MemoryS3()
    clients = Clients(source, ListedBucket("b"), work, RequestCounter())

    first = compare_once(clients, run_of(), "1-0001", KeyRange(), EVER)
    second = compare_once(clients, run_of(), "1-0001", KeyRange(), EVER)

    assert first == second
    assert f"{FOLDER}/compared/1-0001.json" in work.files
    assert len(source.asked) == 1


def test_a_plan_goes_into_the_folder_that_is_given() -> None:
    folder, work = memory_folder().under("verify"), MemoryS3()
    clients = Clients(ListedBucket("a"), ListedBucket("b"), work, RequestCounter())

    record = compare(clients, run_of(), "1-0001", KeyRange(), EVER, folder)

    assert [file["file"] for file in record["shards"]["copy"]] == ["copy/1-0001-0001-attempt.jsonl"]
    assert (list(work.files), len(folder.client.files)) == ([], 2)


# --- What a range is compared with --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("range_id", "first_extra"), [("1-0001", 14), ("2-0001", 1), ("10-0001", 1), ("11-0012", 1)]
)
def test_only_the_first_wave_may_spend_lists_on_cuts_before_pages_have_paid_for_them(
    range_id: str, first_extra: int
) -> None:
    """Later ones are many: 14 LISTs for each of a thousand ranges would be 14,000."""
    with mock.patch.object(module, "Streams", wraps=Streams) as made:
        compared(ListedBucket("a"), ListedBucket("a"), range_id=range_id)

    assert made.call_args.kwargs["first_extra"] == first_extra


@pytest.mark.parametrize(
    ("prefix", "destination_prefix", "most_bytes"),
    [("", "", 1024), ("abc/", "", 1020), ("", "abc/", 1020), ("ab/", "é/", 1021), ("é/", "a", 1021)],
)
def test_a_position_is_no_longer_than_a_key_may_be_under_the_longer_prefix(
    prefix: str, destination_prefix: str, most_bytes: int
) -> None:
    """S3 refuses a longer StartAfter."""
    run = run_of(prefix=prefix, destinationPrefix=destination_prefix)

    with mock.patch.object(module, "Streams", wraps=Streams) as made:
        compared(ListedBucket([]), ListedBucket([]), run=run)

    assert made.call_args.kwargs["most_bytes"] == most_bytes


def test_a_range_is_watched_by_what_its_counts_are_after_every_page() -> None:
    beats: list[dict[str, int]] = []

    with mock.patch.object(Heartbeat, "beat", lambda heartbeat, counts: beats.append(counts)):
        compared(ListedBucket("abcd", 2), ListedBucket("abcd", 2))

    assert [one["objects"] for one in beats] == [2, 4]


@pytest.mark.parametrize("destination", [ListedBucket("a"), RefusingBucket(DENIED), RefusingBucket(BUSY)])
def test_the_threads_that_ask_for_keys_end_with_the_range_however_it_ends(destination: Any) -> None:
    """A Lambda's process lives on: threads that are left would add up from one invocation to the next."""
    with (
        mock.patch.object(Resolver, "close", autospec=True, side_effect=Resolver.close) as closed,
        suppress(ClientError),
    ):
        compared(ListedBucket("a"), destination)

    assert closed.call_count == 1
