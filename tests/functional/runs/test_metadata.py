"""Metadata that differs where the content is the same: when it is seen, what heals it, what that costs. On the fake S3."""

from __future__ import annotations

from typing import Any

import pytest
from fake_s3 import HOUR, MB, Answer
from runs_on_fake_s3 import World
from short_turns import short_pages

PAGE = {"headers": {"ContentType": "text/html", "CacheControl": "no-cache"}}
IDLE = {"HEAD_BUCKET": 2, "LIST": 2}


def sent_by(world: World, **options: Any) -> tuple[dict[str, Any], dict[str, int]]:
    """Run; return the report and the requests."""
    world.s3.sent.clear()
    return world.run(**options), world.sent()


def test_metadata_that_was_changed_at_the_destination_is_seen_by_the_heads_that_are_sent_anyway(
    world: World,
) -> None:
    more: dict[str, Any] = {
        "checksum": "CRC64NVME",
        "metadata": {"a": "1"},
        "headers": {"ContentType": "text/html"},
    }
    content = world.source.put("k", 12 * MB, **more).content
    halves = content.part(0, 6 * MB), content.part(6 * MB, 6 * MB)
    more = {
        "metadata": {"a": "2"},
        "headers": {"ContentType": "binary/octet-stream"},
        "age_seconds": HOUR / 2,
    }
    world.destination.put_parts("k", *halves, checksum=("CRC64NVME", "FULL_OBJECT"), **more)

    world.run()

    assert world.destination.objects["k"].metadata == {"a": "1"}
    assert world.destination.objects["k"].headers == {"ContentType": "text/html"}
    assert world.run()["copied"]["objects"] == 0


def test_metadata_is_not_judged_by_the_heads_that_are_sent_for_checksums_where_it_is_not_compared(
    world: World,
) -> None:
    world.destination.encryption = "aws:kms"
    world.source.put("k", b"1", checksum="CRC32", metadata={"a": "1"})
    world.destination.put("k", b"1", 0, checksum="CRC32", metadata={"a": "2"})

    assert world.run(compareMetadata=False)["current"]["objects"] == 1
    assert world.run()["copied"]["objects"] == 1


# --- Where tags are compared as well


@pytest.mark.parametrize(
    ("there", "copied", "tag_requests"),
    [
        pytest.param({"metadata": {"a": "2"}}, 1, 0, id="metadata differs, which decides"),
        pytest.param({"tags": {"team": "theirs"}}, 1, 2, id="tags differ"),
        pytest.param({}, 0, 2, id="both are equal"),
    ],
)
@pytest.mark.parametrize("question", ["checksums", "metadata"])
def test_where_tags_are_compared_metadata_is_judged_by_the_heads_that_are_sent_anyway(
    world: World, question: str, there: dict[str, Any], copied: int, tag_requests: int
) -> None:
    same: dict[str, Any] = {"checksum": "CRC32", "metadata": {"a": "1"}, "tags": {"team": "ours"}}
    # Under KMS the ETags differ, and a source that is newer has perhaps other metadata.
    encryption, age_seconds = ("aws:kms", HOUR - 1) if question == "checksums" else ("AES256", HOUR + 1)
    world.source.put("k", b"1", **same)
    world.destination.put("k", b"1", age_seconds, encryption=encryption, **{**same, **there})

    report, sent = sent_by(world, compareTags=True)

    assert (report["copied"]["objects"], report["current"]["objects"]) == (copied, 1 - copied)
    assert (sent["HEAD"], sent.get("GET_OBJECT_TAGGING", 0)) == (2, tag_requests)
    assert sent_by(world, compareTags=True)[0]["current"]["objects"] == 1


@pytest.mark.parametrize("metadata", ["1", "2"])
@pytest.mark.parametrize("tags", ["ours", "theirs"])
def test_an_object_that_was_missing_when_its_tags_were_asked_for_and_is_there_again_is_compared_as_a_whole(
    world: World, metadata: str, tags: str
) -> None:
    world.source.put("k", b"1", metadata={"a": "1"}, tags={"team": "ours"})
    world.destination.put("k", b"1", metadata={"a": metadata}, tags={"team": tags})
    world.s3.before("GetObjectTagging", Answer(404, "NoSuchKey", "The specified key does not exist."))

    report = world.run(compareTags=True)

    is_same = (metadata, tags) == ("1", "ours")
    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 0 if is_same else 1)


@pytest.mark.parametrize("compare_metadata", [True, False])
def test_a_newer_destination_without_the_headers_of_its_source_is_current_unless_all_are_asked(
    world: World, compare_metadata: bool
) -> None:
    world.source.put("index.html", b"<html>", **PAGE)
    world.destination.put("index.html", b"<html>", HOUR - 1)

    assert sent_by(world, compareMetadata=compare_metadata)[1] == IDLE
    assert world.destination.objects["index.html"].headers == {}


def test_a_newer_destination_without_the_headers_of_its_source_is_healed_by_all_and_then_nothing_is_left(
    world: World,
) -> None:
    world.source.put("index.html", b"<html>", **PAGE)
    world.destination.put("index.html", b"<html>", HOUR - 1)

    report, sent = sent_by(world, compareMetadata="all")

    assert (report["copied"]["objects"], sent) == (1, {"COPY": 1, "HEAD": 2, **IDLE})
    assert world.destination.objects["index.html"].headers == PAGE["headers"]
    report, sent = sent_by(world, compareMetadata="all")
    assert (report["copied"]["objects"], report["current"]["objects"], sent) == (0, 1, {"HEAD": 2, **IDLE})
    assert sent_by(world)[1] == IDLE


def test_all_asks_twice_for_every_object_that_is_otherwise_current_and_for_no_other(world: World) -> None:
    for number in range(25):
        world.source.put(f"{number:02d}", b"1")
        world.destination.put(f"{number:02d}", b"1")
    world.source.put("missing", b"1")
    world.source.put("other size", b"1")
    world.destination.put("other size", b"22")
    world.destination.put("orphan", b"1")

    report, sent = sent_by(world, compareMetadata="all", delete=False)

    assert report["current"]["objects"] == 25
    assert sent == {"COPY": 2, "HEAD": 50, **IDLE}


def test_what_all_costs_more_is_two_requests_for_each_object_that_is_current_without_being_asked(
    world: World,
) -> None:
    for number in range(1200):
        world.source.put(f"same/{number:04d}", b"1")
        world.destination.put(f"same/{number:04d}", b"1")
    for number in range(5):
        world.source.put(f"newer/{number}", b"1")
        world.destination.put(f"newer/{number}", b"1", 2 * HOUR)
        world.source.put(f"other etag/{number}", b"1")
        world.destination.put(f"other etag/{number}", b"2")
        world.source.put(f"changed/{number}", b"1")
        world.destination.put(f"changed/{number}", b"2", 2 * HOUR)
        world.destination.put(f"orphan/{number}", b"1")

    _, never = sent_by(world, compareMetadata=False, dryRun=True)
    _, default = sent_by(world, dryRun=True)
    _, everything = sent_by(world, compareMetadata="all", dryRun=True)

    lists = {"HEAD_BUCKET": 2, "LIST": 2 * 2}
    assert never == {"HEAD": 2 * 5, **lists}
    assert default == {"HEAD": 2 * 5 + 2 * 5, **lists}
    assert everything == {"HEAD": default["HEAD"] + 2 * 1200, **lists}


def test_with_tags_as_well_all_asks_four_times(world: World) -> None:
    world.source.put("key", b"1")
    world.destination.put("key", b"1")

    _, sent = sent_by(world, compareMetadata="all", compareTags=True)

    assert sent == {"HEAD": 2, "GET_OBJECT_TAGGING": 2, **IDLE}


@pytest.mark.parametrize(("content", "copied"), [(b"", 1), (b"1", 0)])
def test_a_redirect_is_compared_where_a_copy_carries_it_so_that_all_finds_an_end(
    world: World, content: bytes, copied: int
) -> None:
    world.source.put("key", content, redirect="/elsewhere")
    world.destination.put("key", content)

    assert world.run(compareMetadata="all")["copied"]["objects"] == copied
    assert world.run(compareMetadata="all")["copied"]["objects"] == 0


def test_a_redirect_that_both_sides_have_is_not_taken_away(world: World) -> None:
    world.source.put("key", b"1", redirect="/elsewhere")
    world.destination.put("key", b"1", redirect="/elsewhere")

    assert world.run(compareMetadata="all")["copied"]["objects"] == 0


def test_a_redirect_of_an_object_in_parts_is_healed(world: World) -> None:
    content = world.source.put_parts("key", 5 * MB, 1, redirect="/elsewhere").content
    world.destination.put_parts("key", content.part(0, 5 * MB), content.part(5 * MB, 1))

    assert world.run(compareMetadata="all")["copied"]["objects"] == 1
    assert world.destination.objects["key"].redirect == "/elsewhere"
    assert world.run(compareMetadata="all")["copied"]["objects"] == 0


def test_a_turn_that_asks_for_everything_ends_by_its_time_and_hands_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of ten keys: the turn is over while answers are waited for, and what comes long after that is left to the next."""
    monkeypatch.setattr("lambda_functions.shared.compare.undecided.MAX_PENDING", 10)
    short_pages(monkeypatch, 10)
    for number in range(100):
        world.source.put(f"{number:03d}", b"1")
        world.destination.put(f"{number:03d}", b"1")

    def pass_time(request: Any) -> None:
        world.elapsed_seconds += 20

    world.s3.after("HeadObject", pass_time, times=1000)

    record = world.worker(compareMetadata="all").compare()

    asked = record["tally"]["current"]["objects"]
    assert 20 <= asked <= 40, (
        "870 seconds hold 44 HEADs; then the page is decided that was begun, and no other"
    )
    assert record["handedBack"] != []
    assert world.sent()["HEAD"] == 2 * asked
    assert sum(record["listed"].values()) == 2 * asked
