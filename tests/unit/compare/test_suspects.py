"""What differs at the end of a run, judged by what the run's own files say of it."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from samples import memory_folder

from lambda_functions.shared.compare import suspects
from lambda_functions.shared.compare.found_current import DIGEST_BYTES, FoundCurrent, digest, find
from lambda_functions.shared.compare.suspects import Known, Suspect, gather, is_difference, outcome_of
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.work_items import ToCopy, ToDelete

COPIED = ToCopy("k", "source", 3)
IN_PARTS = ToCopy("k", "source-2", 3)
WHOLE = {"after": None, "upTo": None}


def suspect(reason: str = "content", new: str = "", **other: Any) -> Suspect:
    """Return a key both of whose sides are there; `new` names those that are new."""
    values = {"key": "k", "reason": reason, "source": "source", "destination": "destination"}
    return Suspect(
        **{**values, **other}, is_source_new="source" in new, is_destination_new="destination" in new
    )


def test_a_line_that_says_nothing_of_an_archive_is_of_an_object_that_can_be_read() -> None:
    """So were lines before that was asked; a copy that failed would be excused as one that has to be restored first."""
    line = {
        "key": "k",
        "reason": "content",
        "source": "source",
        "destination": "destination",
        "is_source_new": False,
        "is_destination_new": False,
    }

    assert Suspect(**line).is_archived is False


@pytest.mark.parametrize("reason", ["new", "size", "content", "metadata", "tags", "checksum"])
def test_where_the_source_is_new_nothing_is_a_difference_but_what_the_run_has_copied_in_that_second(
    reason: str,
) -> None:
    there = None if reason == "new" else "destination"
    one = suspect(reason, "source", destination=there)

    assert not is_difference(one, Known())
    assert not is_difference(one, Known(copied=ToCopy("k", "an earlier one", 3)))
    assert is_difference(one, Known(copied=COPIED))


def test_what_is_missing_is_a_difference_whatever_the_run_has_done_with_it() -> None:
    one = suspect("new", destination=None)

    assert is_difference(one, Known())
    assert is_difference(one, Known(copied=COPIED))


@pytest.mark.parametrize("reason", ["size", "content", "metadata", "tags", "checksum"])
def test_an_old_object_at_the_destination_that_differs_is_a_difference(reason: str) -> None:
    assert is_difference(suspect(reason), Known())
    assert is_difference(suspect(reason), Known(copied=COPIED))


@pytest.mark.parametrize("reason", ["size", "content", "metadata", "tags", "checksum"])
def test_a_new_object_at_the_destination_is_one_only_if_the_run_may_have_written_it(reason: str) -> None:
    one = suspect(reason, "destination")

    assert not is_difference(one, Known())
    assert is_difference(one, Known(copied=COPIED)) == (reason != "size")
    assert is_difference(one, Known(copied=IN_PARTS))


@pytest.mark.parametrize(
    "new, known, expected",
    [
        ("", Known(), True),
        ("", Known(was_current=True), False),
        ("", Known(deleted_etag="destination"), True),
        ("destination", Known(), False),
        ("destination", Known(copied=COPIED), False),
        ("destination", Known(deleted_etag="destination"), True),
        ("destination", Known(deleted_etag="an earlier one"), False),
    ],
)
def test_of_what_only_the_destination_has_the_dates_and_the_plan_decide(
    new: str, known: Known, expected: bool
) -> None:
    assert is_difference(suspect("orphan", new, source=None), known) == expected


@pytest.mark.parametrize("one", [suspect(), suspect("new", destination=None), suspect("orphan", source=None)])
def test_what_the_run_has_skipped_and_named_is_no_difference(one: Suspect) -> None:
    assert is_difference(one, Known())
    assert not is_difference(one, Known(was_skipped=True))


@pytest.mark.parametrize(
    ("one", "what", "why"),
    [
        (
            suspect("orphan", source=None),
            "extra",
            "the source has nothing under this key, the destination still has",
        ),
        (suspect("new", destination=None), "missing", "the destination has nothing under this key any more"),
        (suspect("size"), "different", "its size is not that of the source"),
        (suspect("content"), "different", "its content is not that of the source"),
        (suspect("metadata"), "different", "its metadata is not that of the source"),
        (suspect("tags"), "different", "its tags are not those of the source"),
        (suspect("checksum"), "different", "its checksum is not that of the source"),
    ],
)
def test_a_difference_is_named_in_a_word_and_a_sentence(one: Suspect, what: str, why: str) -> None:
    assert outcome_of(one) == Outcome("k", what, 0, why)


def turn(looks: float = 10**6) -> Turn:
    """Return a turn that is over when the clock was looked at so many times."""
    seen = iter(range(10**7))
    return Turn(0.0, looks, "attempt", lambda: float(next(seen)))


def record(
    folder: Any, decided: list[dict[str, Any]], keys: dict[str, list[Any]], current: Any = ()
) -> dict[str, Any]:
    lines = {kind: [line.to_json() for line in keys.get(kind, [])] for kind in ("copy", "large", "delete")}
    shards = {
        kind: [folder.write_lines(f"{kind}/{len(folder.client.files)}.jsonl", some)] if some else []
        for kind, some in lines.items()
    }
    failures = [
        folder.write_lines(f"failures/{one.key}", [one.to_json()]) for one in keys.get("failures", [])
    ]
    return {"decided": decided, "shards": shards, "failures": failures, "foundCurrent": list(current)}


def test_what_is_known_of_a_key_is_read_from_the_files_of_its_range() -> None:
    folder = memory_folder()
    with ThreadPoolExecutor(1) as pool:
        current = FoundCurrent(folder, "1-0001-a", pool)
        current.add("d", "destination")
        current.add("e", "another")
        files = current.close()
    near = record(
        folder,
        [WHOLE],
        {
            "copy": [ToCopy("a", "1", 1), ToCopy("x", "1", 1)],
            "large": [ToCopy("b", "2", 2)],
            "delete": [ToDelete("c", "3", 3)],
            "failures": [Outcome("f", "archived"), Outcome("g", "failed")],
        },
        files,
    )
    others = [folder.write_lines("failures/of copies", [Outcome("h", "vanished").to_json()])]
    keys = [suspect(key=key, reason="orphan", source=None) for key in "abcdefgh"]

    known = gather(folder, [near], others, keys, turn())

    assert known.is_whole
    assert known.keys == {
        "a": Known(copied=ToCopy("a", "1", 1)),
        "b": Known(copied=ToCopy("b", "2", 2)),
        "c": Known(deleted_etag="3"),
        "d": Known(was_current=True),
        "e": Known(),
        "f": Known(was_skipped=True),
        "g": Known(),
        "h": Known(was_skipped=True),
    }


@pytest.mark.parametrize(
    "decided, is_read",
    [
        ([WHOLE], True),
        ([{"after": "a", "upTo": "k"}], True),
        ([{"after": "k", "upTo": None}], False),
        ([{"after": None, "upTo": "j"}], False),
        ([{"after": None, "upTo": "j"}, {"after": "j", "upTo": "k"}], True),
        ([], False),
    ],
)
def test_files_of_ranges_without_any_of_the_keys_are_not_read(
    decided: list[dict[str, Any]], is_read: bool
) -> None:
    folder = memory_folder()
    near = record(folder, decided, {"copy": [COPIED]})
    folder.client.read.clear()

    known = gather(
        folder, [near], [], [suspect(), suspect(key="z") if not is_read else suspect()][:1], turn()
    )

    assert (known.keys["k"].copied == COPIED, bool(folder.client.read)) == (is_read, is_read)


def test_a_range_is_read_for_the_first_of_many_keys_that_it_may_have() -> None:
    folder = memory_folder()
    near = record(folder, [{"after": "b", "upTo": "k"}], {"copy": [COPIED]})

    for others in ("ab", "z", "az", "abz"):
        keys = [suspect(key=key) for key in (*others, "k")]
        assert gather(folder, [near], [], keys, turn()).keys["k"].copied == COPIED
    near["decided"] = [{"after": None, "upTo": "k"}]
    assert gather(folder, [near], [], [suspect(), suspect(key="z")], turn()).keys["k"].copied == COPIED


def test_what_was_found_current_is_read_for_keys_that_only_the_destination_has() -> None:
    """Of other keys it says nothing that counts: very many files need not be read."""
    folder = memory_folder()
    with ThreadPoolExecutor(1) as pool:
        current = FoundCurrent(folder, "1-0001-a", pool)
        current.add("k", "destination")
        current.add("z", "destination")
        files = current.close()
    near = record(folder, [WHOLE], {}, files)
    missing, orphan = suspect("new", destination=None), suspect("orphan", key="z", source=None)
    folder.client.read.clear()

    of_both = gather(folder, [near], [], [suspect(), missing], turn())
    assert (of_both.keys["k"], folder.client.read) == (Known(), [])

    of_orphan = gather(folder, [near], [], [suspect(), orphan], turn())
    assert of_orphan.keys == {"k": Known(), "z": Known(was_current=True)}


def test_what_there_is_no_time_to_read_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "CHUNK_FILES", 1)
    folder = memory_folder()
    records = [record(folder, [WHOLE], {"copy": [ToCopy(key, "1", 1)]}) for key in "ab"]

    known = gather(folder, records, [], [suspect(key="a"), suspect(key="b")], turn(looks=1))

    assert not known.is_whole
    assert known.keys["b"] == Known()


def test_what_was_found_current_is_eight_bytes_of_key_and_etag_in_files_of_so_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.found_current.DIGESTS_A_FILE", 2)
    folder = memory_folder()
    with ThreadPoolExecutor(1) as pool:
        current = FoundCurrent(folder, "1-0001-attempt", pool)
        for number in range(5):
            current.add(f"ключ {number}", "e")
        files = current.close()

    assert [file["file"] for file in files] == [f"current/1-0001-attempt-000{n}.jsonl" for n in (1, 2, 3)]
    wanted = {digest(f"ключ {number}", "e") for number in range(6)} | {digest("ключ 0", "f")}
    assert {len(one) for one in wanted} == {DIGEST_BYTES}
    found = [one for file in files for one in find(folder, file, wanted)]
    assert set(found) == {digest(f"ключ {number}", "e") for number in range(5)}


def test_a_digest_is_the_eight_bytes_of_blake2b_that_files_of_earlier_versions_have() -> None:
    """An attempt of another version may read them."""
    assert digest("a/ключ", "0cc175b9c0f1b6a831c399e269772661").hex() == "2ebac62036569560"


def test_a_file_has_the_digests_of_a_hundred_thousand_objects() -> None:
    """A megabyte: few files of a large run, and none that is long to read."""
    folder = memory_folder()
    with ThreadPoolExecutor(1) as pool:
        current = FoundCurrent(folder, "1-0001-attempt", pool)
        for number in range(100_001):
            current.add("k", str(number))
        files = current.close()

    lengths = [len(base64.b64decode(line["digests"])) for file in files for line in folder.read_lines(file)]
    assert lengths == [800_000, 8]
