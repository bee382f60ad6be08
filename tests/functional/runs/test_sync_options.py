"""Every option of the input, one by one, and what it changes about a sync."""

from __future__ import annotations

import json
from typing import Any

import buckets
import pytest
from buckets import HOUR, Bucket, in_class
from machine_on_moto import Machine, machine_on_moto
from reports import lasting, report_of, sized, written

Sync = dict[str, Any]


def test_a_prefix_limits_a_sync_to_the_keys_under_it_on_both_sides(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"in/a": b"1", "in/b": b"22", "out": b"333", "int": b"4444"})
    destination.put_all({"in/orphan": b"1", "out-orphan": b"2", "int": b"5"})

    report = machine.report({**sync, "prefix": "in/"})

    assert lasting(report) == report_of(copy=sized(2, 3), delete=sized(1, 1))
    assert destination.bodies() == {"in/a": b"1", "in/b": b"22", "out-orphan": b"2", "int": b"5"}


@pytest.mark.parametrize(
    ("prefix", "destination_prefix"), [("in/", "copy/of/"), ("in/", ""), ("", "everything/"), ("in", "ä+ %/")]
)
def test_a_destination_prefix_puts_the_keys_elsewhere(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, prefix: str, destination_prefix: str
) -> None:
    source.put_all({f"{prefix}a": b"1", f"{prefix}b/c": b"2", f"{prefix}ü&": b"3"})
    source.put_parts(f"{prefix}parts", b"4", b"5")
    destination.put(f"{destination_prefix}orphan", b"6")
    options = {**sync, "prefix": prefix, "destinationPrefix": destination_prefix}

    report = machine.report(options)

    assert lasting(report) == report_of(copy=sized(4, 5), delete=sized(1, 1))
    assert destination.snapshot(destination_prefix) == source.snapshot(prefix)
    assert machine.report(options)["current"] == sized(4, 5)


def test_two_prefixes_of_one_bucket_can_be_synced(machine: Machine, source: Bucket, sync: Sync) -> None:
    source.put_all({"a/1": b"1", "a/2": b"2", "b/3": b"3"})

    report = machine.report(
        {**sync, "destination": "source-bucket", "prefix": "a/", "destinationPrefix": "b/"}
    )

    assert lasting(report) == report_of(destination="source-bucket", copy=sized(2, 2), delete=sized(1, 1))
    assert source.bodies() == {"a/1": b"1", "a/2": b"2", "b/1": b"1", "b/2": b"2"}


def test_start_after_leaves_everything_up_to_that_key_alone_orphans_too(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"p/a": b"1", "p/m": b"2", "p/m1": b"3", "p/z": b"4"})
    destination.put_all({"p/b": b"orphan before", "p/m": b"kept", "p/n": b"orphan"})

    report = machine.report({**sync, "prefix": "p/", "startAfter": "m"})

    assert lasting(report) == report_of(copy=sized(2, 2), delete=sized(1, 6))
    assert destination.bodies() == {"p/b": b"orphan before", "p/m": b"kept", "p/m1": b"3", "p/z": b"4"}


def test_only_what_is_included_is_copied_and_only_what_is_included_is_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"p/a.csv": b"1", "p/deep/b.csv": b"2", "p/c.txt": b"3"})
    destination.put_all({"p/orphan.csv": b"4", "p/orphan.txt": b"5"})

    report = machine.report({**sync, "prefix": "p/", "include": ["*.csv", "never"]})

    assert lasting(report) == report_of(
        listed=(3, 2), outOfScope={"source": 1, "destination": 1}, copy=sized(2, 2), delete=sized(1, 1)
    )
    assert destination.bodies() == {"p/a.csv": b"1", "p/deep/b.csv": b"2", "p/orphan.txt": b"5"}


def test_what_is_excluded_is_neither_copied_nor_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "tmp/b": b"2", "log[1]": b"3"})
    destination.put_all({"tmp/orphan": b"4", "orphan": b"5", "tmp/b": b"old and kept"})

    report = machine.report({**sync, "exclude": ["tmp/*", "log[[]1]"]})

    assert lasting(report) == report_of(
        listed=(3, 3), outOfScope={"source": 2, "destination": 2}, copy=sized(1, 1), delete=sized(1, 1)
    )
    assert destination.bodies() == {"a": b"1", "tmp/b": b"old and kept", "tmp/orphan": b"4"}


NONE_IN_SCOPE = (
    "2 objects of the source source-bucket were listed, and include leaves none in scope: check the patterns. "
    "A pattern has to match the whole key."
)


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        (
            {"prefix": "photso/"},
            [
                'Nothing was listed in the source source-bucket under the prefix "photso/": check its spelling.'
            ],
        ),
        ({"include": ["*.jgp"]}, [NONE_IN_SCOPE]),
        (
            {"include": ["z*"], "delete": False},
            [
                NONE_IN_SCOPE,
                "The destination destination-bucket has 1 object in scope, and the source source-bucket has none: "
                "it is an orphan.",
            ],
        ),
        ({"prefix": "photos/"}, []),
    ],
)
def test_a_run_that_finds_nothing_in_scope_is_green_and_warns(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, options: Sync, warnings: list[str]
) -> None:
    source.put_all({"photos/a.jpg": b"1", "photos/b.jpg": b"2"})
    destination.put("z", b"3")

    assert machine.report({**sync, **options})["warnings"] == warnings
    assert destination.bodies()["z"] == b"3"


def test_exclude_wins_over_include(machine: Machine, source: Bucket, destination: Bucket, sync: Sync) -> None:
    source.put_all({"a.csv": b"1", "a.tmp.csv": b"2"})

    machine.report({**sync, "include": ["*.csv"], "exclude": ["*.tmp.*"]})

    assert destination.keys() == ["a.csv"]


def test_patterns_are_about_case_and_newlines_as_keys_are(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a\nb.csv": b"1", "A.CSV": b"2", "a.csv\n": b"3"})

    machine.report({**sync, "include": ["*.csv"]})

    assert destination.keys() == ["a\nb.csv"]


def test_orphans_stay_if_nothing_is_to_be_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put("orphan", b"2")

    report = machine.report({**sync, "delete": False, "maxDelete": 0})

    assert lasting(report) == report_of(listed=(1, 1), copy=sized(1, 1))
    assert destination.keys() == ["a", "orphan"]


def mixed(source: Bucket, destination: Bucket) -> None:
    """Put something of everything into both buckets."""
    source.put_all({"new": b"1", "changed": b"22", "current": b"3", "drifted": b"4"})
    source.put_parts("parts", b"5", b"6")
    source.put("cold", b"7", StorageClass="GLACIER")
    destination.put_all({"changed": b"2", "current": b"3", "orphan": b"4"})
    destination.put("drifted", b"4", 2 * HOUR, Metadata={"a": "b"})


def test_a_dry_run_changes_nothing(machine: Machine, source: Bucket, destination: Bucket, sync: Sync) -> None:
    mixed(source, destination)
    before = source.snapshot(), destination.snapshot()

    report = machine.report({**sync, "dryRun": True})

    assert (source.snapshot(), destination.snapshot()) == before
    assert set(machine.wire.counts(source.name, destination.name)) == {"HEAD", "HEAD_BUCKET", "LIST"}
    assert lasting(report) == report_of(
        listed=(6, 4),
        dryRun=True,
        plan={"copy": sized(4, 6), "delete": sized(1, 1)},
        current=sized(1, 1),
        skipped={"archived": 1},
        notSynchronised=[{"key": "cold", "what": "archived", "error": "GLACIER, and no restored copy of it"}],
    )


def test_the_plan_of_a_dry_run_is_what_the_real_run_then_does(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    mixed(source, destination)

    plan = machine.report({**sync, "dryRun": True})["plan"]
    report = machine.report(sync)

    assert report["plan"] == plan == {"copy": report["copied"], "delete": report["deleted"]}


def many_orphans(source: Bucket, destination: Bucket, orphans: int, current: int) -> None:
    bodies = {f"current/{number:03d}": b"1" for number in range(current)}
    source.put_all(bodies)
    destination.put_all({**bodies, **{f"orphan/{number:03d}": b"1" for number in range(orphans)}})


@pytest.mark.parametrize("most", [3, "30%", "39.9%", "100%"])
def test_as_many_orphans_as_max_delete_allows_are_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, most: int | str
) -> None:
    many_orphans(source, destination, orphans=3, current=7)

    assert lasting(machine.report({**sync, "maxDelete": most})) == report_of(
        delete=sized(3, 3), current=sized(7, 7)
    )


@pytest.mark.parametrize(
    ("most", "allowed"),
    [
        (2, "maxDelete allows 2 (2, of 10 in scope)"),
        (0, "maxDelete allows 0 (0, of 10 in scope)"),
        ("29.9%", "maxDelete allows 2 (29.9%, of 10 in scope)"),
        ("0%", "maxDelete allows 0 (0%, of 10 in scope)"),
    ],
)
def test_more_orphans_than_max_delete_allows_are_refused_and_nothing_is_copied_either(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, most: int | str, allowed: str
) -> None:
    many_orphans(source, destination, orphans=3, current=7)
    source.put("new", b"1")
    before = destination.snapshot()

    found = machine.run({**sync, "maxDelete": most})

    assert (found["error"], found["cause"]) == (
        "DeletionRefused",
        f"3 objects of destination-bucket would be deleted; {allowed}. Nothing was changed. The plan is in the "
        'report; if it is right, start again with "maxDelete": 3.',
    )
    assert destination.snapshot() == before
    assert set(machine.wire.counts(source.name, destination.name)) == {"HEAD_BUCKET", "LIST"}
    assert lasting(written(found)) == report_of(
        listed=(8, 10),
        plan={"copy": sized(1, 1), "delete": sized(3, 3)},
        current=sized(7, 7),
        outcome="DeletionRefused",
        cause=found["cause"],
        phase="planning",
    )


def test_a_share_is_of_the_objects_in_scope_not_of_the_whole_destination(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    many_orphans(source, destination, orphans=3, current=7)
    destination.put_all({f"zzz/{number}": b"1" for number in range(20)})

    found = machine.run({**sync, "maxDelete": "20%", "exclude": ["zzz/*"]})

    assert "maxDelete allows 2 (20%, of 10 in scope)" in found["cause"]


def test_the_deployment_s_own_limit_of_deletes_holds_unless_the_input_says_something_else() -> None:
    with machine_on_moto(max_delete="10%") as machine:
        source, destination = buckets.make("source-bucket"), buckets.make("destination-bucket")
        many_orphans(source, destination, orphans=3, current=7)
        options = {"source": source.name, "destination": destination.name}

        refused = machine.run(options)
        assert "maxDelete allows 1 (10%, of 10 in scope)" in refused["cause"]
        assert machine.report({**options, "maxDelete": 3})["deleted"] == sized(3, 3)


def test_a_dry_run_over_the_limit_is_refused_with_its_plan(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    many_orphans(source, destination, orphans=3, current=7)

    found = machine.run({**sync, "maxDelete": 1, "dryRun": True})

    assert found["error"] == "DeletionRefused"
    assert written(found)["plan"] == {"copy": sized(), "delete": sized(3, 3)}


def test_an_empty_source_empties_the_destination_if_that_is_allowed(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    destination.put_all({"a": b"1", "b": b"2"})

    report = machine.report({**sync, "allowEmptySource": True})

    assert lasting(report) == report_of(delete=sized(2, 2))
    assert destination.keys() == []


@pytest.mark.parametrize("storage_class", ["STANDARD_IA", "GLACIER_IR", "DEEP_ARCHIVE"])
def test_copies_get_the_storage_class_that_is_asked_for(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, storage_class: str
) -> None:
    source.put("a", b"1")
    source.put("b", b"1", StorageClass="ONEZONE_IA")
    source.put_parts("parts", b"1", b"2")

    machine.report({**sync, "storageClass": storage_class})

    assert destination.snapshot() == in_class(source.snapshot(), storage_class)


def test_copies_get_the_standard_class_if_that_is_asked_for(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1", StorageClass="STANDARD_IA")

    machine.report({**sync, "storageClass": "STANDARD"})

    assert destination.stored("a").storage_class == "STANDARD"


@pytest.mark.parametrize(("option", "side"), [("sourceOwner", "source"), ("destinationOwner", "destination")])
def test_a_bucket_of_another_account_than_the_expected_one_is_refused(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, option: str, side: str
) -> None:
    found = machine.run({**sync, option: "210987654321"})

    assert (found["error"], found["cause"]) == (
        "InvalidInput",
        f'the {side} bucket "{side}-bucket" may not be listed by SyncBuckets, or it does not belong to the account '
        "210987654321; expected s3:ListBucket in its policy (see docs/permissions.md). Nothing was changed.",
    )


def test_every_request_to_a_bucket_names_the_owner_that_it_is_expected_to_have(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"new": b"1", "drifted": b"2", "empty": b""})
    source.put_parts("parts", b"1", b"2")
    destination.put("drifted", b"2", 2 * HOUR, Metadata={"a": "b"})
    destination.put_all({"orphan": b"1", "odd\n": b"2"})
    owner = "123456789012"

    machine.report({**sync, "sourceOwner": owner, "destinationOwner": owner})

    to_us = [sent for sent in machine.wire.sent if sent.bucket in (source.name, destination.name)]
    silent = [sent.operation for sent in to_us if sent.headers.get("x-amz-expected-bucket-owner") != owner]
    copies = [sent for sent in to_us if "x-amz-copy-source" in sent.headers]
    assert silent == []
    assert all(sent.headers["x-amz-source-expected-bucket-owner"] == owner for sent in copies)


def test_whoever_asks_pays_for_requests_to_the_source_only_if_that_is_agreed(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put("orphan", b"1")

    machine.report({**sync, "requestPayer": True})

    pays = {
        (sent.operation, sent.bucket)
        for sent in machine.wire.sent
        if sent.headers.get("x-amz-request-payer") == "requester"
    }
    assert pays == {
        ("HeadBucket", "source-bucket"),
        ("ListObjectsV2", "source-bucket"),
        ("HeadObject", "source-bucket"),
        ("CopyObject", "destination-bucket"),
    }


def test_a_remark_in_the_input_is_passed_over_and_a_warning_about_an_option_reaches_the_report(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")

    report = machine.report({**sync, "Comment": "nightly", "serverSideEncryption": "AES256"})

    assert (report["copied"], report["warnings"]) == (
        sized(1, 1),
        [
            "serverSideEncryption holds for what is copied; what is already equal at the destination is not copied again for "
            "it and stays encrypted as it is."
        ],
    )
    (copied,) = [sent for sent in machine.wire.sent if sent.operation == "CopyObject"]
    assert copied.headers["x-amz-server-side-encryption"] == "AES256"


def test_the_input_s_own_concurrency_reaches_the_maps(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")

    started = machine.start({**sync, "maxConcurrency": 7})
    machine.wait(started)

    entered = [
        event["stateEnteredEventDetails"]
        for event in machine.events(started)
        if "stateEnteredEventDetails" in event
    ]
    copying = next(json.loads(detail["input"]) for detail in entered if detail["name"] == "CopyKeysInline")
    assert copying["run"]["options"]["maxConcurrency"] == 7
