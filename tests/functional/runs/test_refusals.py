"""What a run refuses before it changes anything, in whole sentences, and the lease that keeps runs apart."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import buckets
import pytest
from buckets import Bucket
from machine_on_moto import MACHINE, WORK_BUCKET, FakeContext, Handler, LambdaError, Machine, client
from reports import address, lasting, leases, read, report_of, sized, work_keys, written
from wire import DENIED

Sync = dict[str, Any]
NOTHING = (
    "Nothing was changed. Start again with, for example, "
    '{"source": "my-source-bucket", "destination": "my-destination-bucket"}.'
)
OPTIONS = (
    "source, destination, prefix, destinationPrefix, startAfter, include, exclude, "
    "minSize, maxSize, modifiedAfter, modifiedBefore, storageClasses, overwrite, delete, maxDelete, "
    "maxCostUsd, allowEmptySource, dryRun, verify, compareMetadata, compareTags, copyTags, unprovable, storageClass, "
    "objectLock, annotations, restore, acl, "
    "serverSideEncryption, sseKmsKeyId, requestPayer, maxConcurrency, sourceOwner, destinationOwner, name"
)
A_BUCKET = 'expected the name of a general-purpose bucket, such as "my-bucket"'


def refused(found: dict[str, Any]) -> tuple[str, str]:
    """Return error and cause of a failed execution."""
    assert found["status"] == "FAILED"
    return found["error"], found["cause"]


def test_an_empty_source_never_empties_the_destination(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    destination.put_all({"a": b"1", "b": b"2"})

    found = machine.run(sync)

    assert refused(found) == (
        "DeletionRefused",
        "2 objects of destination-bucket would be deleted, and nothing is left of the source source-bucket after prefix, "
        "startAfter and filters. Nothing was changed. If the source is meant to be empty, start again with "
        '"allowEmptySource": true.',
    )
    assert destination.bodies() == {"a": b"1", "b": b"2"}
    assert leases() == []


@pytest.mark.parametrize(
    "options", [{"include": ["*.csv"]}, {"exclude": ["a*"]}, {"prefix": "p/"}, {"startAfter": "a/9"}]
)
def test_a_source_of_which_nothing_is_left_never_empties_the_destination(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, options: Sync
) -> None:
    source.put("a/1", b"1")
    destination.put_all({"p/1.csv": b"1", "z.csv": b"2", "p/z.csv": b"3"})
    before = destination.snapshot()

    found = machine.run({**sync, **options})

    assert found["error"] == "DeletionRefused"
    assert written(found)["deleted"] == sized()
    assert destination.snapshot() == before


def test_an_empty_source_is_no_reason_to_refuse_if_there_is_nothing_to_delete(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    destination.put("a", b"1")

    assert lasting(machine.report({**sync, "delete": False})) == report_of(
        listed=(0, 1),
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "the input is []; expected an object"),
        ("x", 'the input is "x"; expected an object'),
        (None, "the input is null; expected an object"),
        ({}, '"source" is missing; "destination" is missing'),
        ({"source": "source-bucket"}, '"destination" is missing'),
        (
            {"sauce": "source-bucket", "destination": "destination-bucket"},
            '"sauce" is not an option (did you mean "source"?); "source" is missing',
        ),
        (
            {"source:": "source-bucket", "destination ": "destination-bucket"},
            '"source:" is not an option (did you mean "source"?); "destination " is not an option (did you mean '
            '"destination"?); "source" is missing; "destination" is missing',
        ),
        (
            {"source": "s3://source-bucket/a/b", "destination": "destination-bucket"},
            '"source" is "s3://source-bucket/a/b"; expected only the bucket\'s name, "source-bucket", and "prefix": "a/b" for '
            "what is under it",
        ),
        (
            {"source": "source-bucket", "destination": "s3://destination-bucket"},
            '"destination" is "s3://destination-bucket"; expected only the bucket\'s name, "destination-bucket"',
        ),
        (
            {"source": "arn:aws:s3:::source-bucket", "destination": "destination-bucket"},
            '"source" is "arn:aws:s3:::source-bucket"; expected only the bucket\'s name, "source-bucket"',
        ),
        (
            {
                "source": "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine",
                "destination": "destination-bucket",
            },
            '"source" is "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine"; an ARN that is not a bucket\'s; expected the '
            "name of a general-purpose bucket",
        ),
        (
            {"source": "source-bucket", "destination": "fast--euw1-az1--x-s3"},
            '"destination" is "fast--euw1-az1--x-s3"; a directory bucket, which lists its keys in no order and cannot be '
            "compared; expected a general-purpose bucket",
        ),
        (
            {"source": "mine-1234567890-s3alias", "destination": "destination-bucket"},
            '"source" is "mine-1234567890-s3alias"; an access point\'s alias; expected the name of the bucket behind it',
        ),
        (
            {"source": "Source Bucket", "destination": 5},
            f'"source" is "Source Bucket"; {A_BUCKET}; "destination" is 5; {A_BUCKET}',
        ),
    ],
)
def test_an_input_that_names_no_two_buckets_is_refused_with_everything_that_is_wrong(
    machine: Machine, given: Any, sentence: str
) -> None:
    found = machine.run(given)

    assert refused(found) == ("InvalidInput", f"{sentence}. {NOTHING}")
    assert machine.calls == ["validate_input", "tally_run"]
    assert machine.wire.counts("source-bucket", "destination-bucket") == {}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dry_run": True}, '"dry_run" is not an option (did you mean "dryRun"?)'),
        ({"colour": "red"}, f'"colour" is not an option (known are {OPTIONS})'),
        ({"compareTags": "yes"}, '"compareTags" is "yes"; expected true or false'),
        ({"acl": "private"}, '"acl" is "private"; expected one of "bucket-owner-full-control"'),
        (
            {"verify": True, "dryRun": True},
            '"verify" is true and "dryRun" is true; a dry run changes nothing, so there is nothing to verify: leave one of '
            "them out, or use `fab verify`",
        ),
        ({"maxCostUsd": 0}, '"maxCostUsd" is 0; expected an amount of US dollars, such as 20 or 0.5'),
        ({"delete": "no"}, '"delete" is "no"; expected true or false'),
        ({"dryRun": 1}, '"dryRun" is 1; expected true or false'),
        ({"prefix": None}, '"prefix" is null; expected text'),
        (
            {"prefix": "ü" * 513},
            f'"prefix" is "{"ü" * 76}...; it has 1,026 bytes; a key has at most 1,024',
        ),
        (
            {"include": "*.csv"},
            '"include" is "*.csv"; expected a list of patterns, such as ["*.log", "tmp/*"]',
        ),
        (
            {"exclude": ["a", ""]},
            '"exclude" is ["a", ""]; expected a list of patterns, such as ["*.log", "tmp/*"]',
        ),
        (
            {"maxDelete": "10"},
            '"maxDelete" is "10"; expected a number of objects, such as 1000, or a share of the destination, such as "10%"',
        ),
        (
            {"maxDelete": -1},
            '"maxDelete" is -1; expected a number of objects, such as 1000, or a share of the destination, such as "10%"',
        ),
        (
            {"maxDelete": "101%"},
            '"maxDelete" is "101%"; expected a number of objects, such as 1000, or a share of the destination, such as "10%"',
        ),
        ({"unprovable": "ask"}, '"unprovable" is "ask"; expected one of "copy", "keep"'),
        (
            {"storageClass": "CHEAP"},
            '"storageClass" is "CHEAP"; expected one of "source", "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", '
            '"ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"',
        ),
        ({"maxConcurrency": 0}, '"maxConcurrency" is 0; expected a whole number from 1 to 10,000'),
        ({"maxConcurrency": 2.5}, '"maxConcurrency" is 2.5; expected a whole number from 1 to 10,000'),
        (
            {"sourceOwner": 123456789012},
            '"sourceOwner" is 123456789012; expected the 12 digits of an AWS account as text, such as "111122223333"',
        ),
        (
            {"exclude": ["x" * 33_000]},
            "the input is larger than 32,768 bytes; name prefixes instead of single keys",
        ),
        (
            {"destination": "source-bucket"},
            'source and destination are the same bucket, "source-bucket", and their prefixes overlap ("" and ""); expected two '
            "buckets, or prefixes of which neither begins the other",
        ),
        (
            {"destination": "source-bucket", "prefix": "a/", "destinationPrefix": "a/b/"},
            'source and destination are the same bucket, "source-bucket", and their prefixes overlap ("a/" and "a/b/"); '
            "expected two buckets, or prefixes of which neither begins the other",
        ),
        (
            {"delete": None, "prefx": "a"},
            '"prefx" is not an option (did you mean "prefix"?); "delete" is null; expected true or false',
        ),
    ],
)
def test_an_option_that_is_not_right_is_refused_with_what_was_expected(
    machine: Machine, sync: Sync, options: Sync, sentence: str
) -> None:
    found = machine.run({**sync, **options})

    assert refused(found) == ("InvalidInput", f"{sentence}. {NOTHING}")
    assert machine.wire.counts("source-bucket", "destination-bucket") == {}


@pytest.mark.parametrize(
    ("side", "bucket"),
    [
        ("source", "work-bucket"),
        ("destination", "work-bucket"),
        ("source", "deployment-bucket"),
        ("destination", "deployment-bucket"),
    ],
)
def test_the_buckets_that_syncbuckets_works_with_are_refused(
    machine: Machine, sync: Sync, side: str, bucket: str
) -> None:
    assert refused(machine.run({**sync, side: bucket})) == (
        "InvalidInput",
        f'"{side}" is "{bucket}", which SyncBuckets itself works with; expected a bucket of your own. Nothing was changed.',
    )


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_bucket_that_does_not_exist_is_refused(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, side: str
) -> None:
    assert refused(machine.run({**sync, side: "missing-bucket"})) == (
        "InvalidInput",
        f'the {side} bucket "missing-bucket" does not exist; check its name. Nothing was changed.',
    )


def test_a_bucket_that_may_not_be_listed_is_refused_with_the_permission_that_is_missing(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    machine.wire.on("HeadBucket", DENIED, bucket=destination.name)

    assert refused(machine.run(sync)) == (
        "InvalidInput",
        'the destination bucket "destination-bucket" may not be listed by SyncBuckets; expected s3:ListBucket in its '
        "policy (see docs/permissions.md). Nothing was changed.",
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([], {"source": None, "destination": None, "dryRun": False}),
        ({"source": "a", "dryRun": True}, {"source": "a", "destination": None, "dryRun": True}),
        ({"source": "a", "Comment": math.inf}, {"source": "a", "destination": None, "dryRun": False}),
        (
            {"source": [["a"]], "Comment": -math.inf},
            {"source": [["a"]], "destination": None, "dryRun": False},
        ),
    ],
    ids=str,
)
def test_a_refused_run_has_its_report_and_no_lease(machine: Machine, given: Any, named: Sync) -> None:
    found = machine.run(given)

    report = written(found)
    times = report.pop("startedAt"), report.pop("endedAt")
    assert times[0] <= times[1]
    assert report == {
        **named,
        "format": 1,
        # 1e999 is a number of JSON that Python reads as one that JSON cannot write.
        "options": json.loads(json.dumps(given or {}), parse_constant=str),
        "plan": {"copy": sized(), "delete": sized()},
        "requests": {},
        "outcome": "InvalidInput",
        "cause": found["cause"],
        "phase": "starting",
        "report": address(found, "report.json"),
    }
    assert leases() == []


def test_an_execution_that_failed_says_where_its_report_is_and_its_report_does_not(machine: Machine) -> None:
    arn = machine.start({"source": "nowhere-at-all", "destination": "destination-bucket"})
    found = machine.wait(arn)
    said = machine.client.describe_execution(executionArn=arn)["cause"]

    assert said == f"{found['cause']} Report: {address(found, 'report.json')}"
    assert written(found)["cause"] == found["cause"]


# --- The lease


@contextmanager
def copying(machine: Machine, options: Sync) -> Iterator[str]:
    """Start an execution and yield its ARN while it is held back in the middle of copying; let it end afterwards."""
    began, go_on = threading.Event(), threading.Event()

    def held_back(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        began.set()
        assert go_on.wait(20)
        return handler(event, context)

    machine.wrap["copy_keys"] = held_back
    started = machine.start(options, name="first")
    try:
        assert began.wait(20)
        del machine.wrap["copy_keys"]
        yield started
    finally:
        go_on.set()
        machine.wait(started)


@pytest.mark.parametrize(
    ("first", "second"), [("", ""), ("a/", "a/"), ("", "a/"), ("a/", ""), ("a/b", "a/"), ("a", "a/")]
)
def test_a_second_run_into_the_same_part_of_a_destination_is_refused_while_the_first_one_runs(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, first: str, second: str
) -> None:
    source.put("a/b", b"1")

    with copying(machine, {**sync, "prefix": first}) as running:
        found = machine.run({**sync, "prefix": second})
        held = leases()

    began = machine.client.describe_execution(executionArn=running)["startDate"]
    error, cause = refused(found)
    lead, _, end = cause.partition(", started ")
    assert error == "AlreadyRunning"
    assert lead == f'another execution is writing into destination-bucket, prefix "{first}": {running}'
    assert end.partition(".")[0] == f"{began.astimezone().astimezone(began.tzinfo):%Y-%m-%dT%H:%M:%S}"
    assert end.endswith("Nothing was changed. Wait until it has ended, then start again.")
    assert len(held) == 1
    assert leases() == []
    assert written(found)["phase"] == "starting"
    assert machine.wait(running)["status"] == "SUCCEEDED"
    assert destination.keys() == ["a/b"]


def test_of_two_runs_that_begin_at_the_same_moment_never_both_go_ahead(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    others: list[dict[str, Any]] = []
    # The first one has written its lease and is about to look for others when the second one begins.
    machine.wire.on(
        "ListObjectsV2", lambda request: others.append(machine.run(sync)), bucket=WORK_BUCKET, times=1
    )

    report = machine.report(sync)

    assert [other["error"] for other in others] == ["AlreadyRunning"]
    assert report["copied"] == sized(1, 1)
    assert leases() == []


def test_a_run_into_another_part_of_the_same_destination_goes_ahead(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a/1": b"1", "b/1": b"2"})

    with copying(machine, {**sync, "prefix": "a/"}):
        report = machine.report({**sync, "prefix": "b/"})
        assert destination.keys() == ["b/1"]

    assert report["copied"] == sized(1, 1)
    assert destination.keys() == ["a/1", "b/1"]


def test_a_run_into_another_destination_goes_ahead(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    other = buckets.make("other-bucket")
    source.put("a", b"1")

    with copying(machine, sync):
        machine.report({**sync, "destination": other.name})
        assert (destination.keys(), other.keys()) == ([], ["a"])


def test_what_a_run_reads_may_be_written_by_another_run(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    other = buckets.make("other-bucket")

    with copying(machine, sync):
        machine.report({"source": destination.name, "destination": other.name})


def dead_execution(machine: Machine, options: Sync) -> dict[str, Any]:
    """Run to a failure that leaves the lease and a multipart upload behind: the last state broke down as well."""
    machine.wire.on("UploadPartCopy", DENIED)
    machine.wire.on("AbortMultipartUpload", DENIED)

    def broken_report(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if event["phase"] == "report":
            raise LambdaError("Runtime.ExitError", "it ended")
        return handler(event, context)

    machine.wrap["tally_run"] = broken_report
    started = machine.start(options, name="dead")
    found = machine.wait(started)
    machine.long_ago(started)
    machine.wrap.clear()
    machine.wire.relent()
    return found


def test_a_run_whose_very_report_breaks_fails_with_what_broke_and_keeps_its_lease(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")

    found = dead_execution(machine, sync)

    assert refused(found) == (
        "SyncIncomplete",
        "The report could not be written. The log of tally_run says why; the records of the run are in its folder in the work "
        "bucket.",
    )
    assert machine.calls.count("tally_run") == 1 + 1 + 3
    assert len(leases()) == 1
    assert destination.uploads() == ["parts"]


def test_the_lease_of_a_dead_execution_is_taken_over_and_its_uploads_are_aborted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")
    dead_execution(machine, sync)
    machine.wire.sent.clear()

    report = machine.report(sync)

    aborts = machine.wire.keys("AbortMultipartUpload", destination.name)
    assert report["copied"] == sized(1, 2)
    assert aborts == ["parts"]
    assert destination.uploads() == []
    assert work_keys(f"runs/{MACHINE}/dead/uploads/") == []
    assert leases() == []


def test_an_upload_of_somebody_else_is_never_aborted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")
    destination.client.create_multipart_upload(Bucket=destination.name, Key="parts")
    dead_execution(machine, sync)

    machine.report(sync)

    assert destination.uploads() == ["parts"]


def test_the_lease_of_a_dead_execution_elsewhere_is_left_alone(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("a/parts", b"1", b"2")
    dead_execution(machine, {**sync, "prefix": "a/"})

    machine.report({**sync, "prefix": "b/"})

    assert len(leases()) == 1
    assert destination.uploads() == ["a/parts"]


def put_lease(name: str, lease: Any) -> None:
    """Put a file among the leases of the destination bucket."""
    key = f"leases/destination-bucket/{name}.json"
    client("s3").put_object(
        Bucket=WORK_BUCKET, Key=key, Body=lease if isinstance(lease, str) else json.dumps(lease)
    )


def lease_of(machine: Machine, name: str) -> dict[str, str]:
    """Return the lease of an execution as older machines wrote it."""
    return {
        "execution": f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}",
        "prefix": "",
        "folder": f"runs/{MACHINE}/{name}",
        "startedAt": "2026-01-01T00:00:00Z",
    }


def test_a_lease_of_an_execution_that_step_functions_no_longer_knows_counts_for_a_while_and_is_taken_over(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    lease = lease_of(machine, "long-ago")
    put_lease("long-ago", lease)
    source.put("a", b"1")

    error, cause = refused(machine.run(sync))

    assert error == "AlreadyRunning"
    assert re.fullmatch(
        f'another execution may be writing into destination-bucket, prefix "": {lease["execution"]}, started 2026-01-01T00:00:00Z'
        r"[.] Nothing was changed[.] Wait until \d\d:\d\d:\d\d UTC, when its last Lambda must be over, then start again[.]",
        cause,
    )
    (key,) = leases()
    noted = json.loads(client("s3").get_object(Bucket=WORK_BUCKET, Key=key)["Body"].read())
    since = datetime.fromisoformat(noted.pop("missingSince"))
    assert noted == lease
    put_lease("long-ago", {**lease, "missingSince": (since - timedelta(seconds=930)).isoformat()})
    assert machine.run(sync)["status"] == "SUCCEEDED"
    assert destination.keys() == ["a"]
    assert leases() == []


def test_a_lease_that_cannot_be_judged_counts_as_held(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.put_parts("parts", b"1", b"2")
    dead_execution(machine, sync)
    monkeypatch.setattr(
        "lambda_functions.shared.work_bucket.executions.is_missing_execution", lambda error: False
    )
    name = next(iter(leases()))
    lease = json.loads(client("s3").get_object(Bucket=WORK_BUCKET, Key=name)["Body"].read())
    unknown = {**lease, "execution": lease["execution"].replace(":dead", ":unknown")}
    client("s3").put_object(Bucket=WORK_BUCKET, Key=name, Body=json.dumps(unknown))

    assert machine.run(sync)["error"] == "AlreadyRunning"


def test_asking_twice_for_ones_own_lease_is_no_refusal(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    def killed_once(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        answer = handler(event, context)
        if machine.calls.count("validate_input") == 1:
            raise LambdaError("Sandbox.Timedout", "after the lease was taken")
        return answer

    machine.wrap["validate_input"] = killed_once

    assert machine.report(sync)["outcome"] == "Succeeded"
    assert machine.calls.count("validate_input") == 2
    assert leases() == []


@pytest.mark.parametrize("options", [{}, {"maxDelete": 0}, {"dryRun": True}, {"source": "missing-bucket"}])
def test_the_lease_is_given_back_however_a_run_ends(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, options: Sync
) -> None:
    source.put("a", b"1")
    destination.put("orphan", b"1")

    found = machine.run({**sync, **options})

    assert read(found, "report.json")["outcome"] in ("Succeeded", "DeletionRefused", "InvalidInput")
    assert leases() == []


def test_the_lease_is_given_back_after_a_failure(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    machine.wire.on("CopyObject", DENIED)

    assert machine.run(sync)["error"] == "SyncIncomplete"
    assert leases() == []


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize(
    ("name", "tags", "why"),
    [
        (
            "theirs-workbucket-1a2b3c4d5e6f",
            {},
            "by its name a bucket that an installation of SyncBuckets works with",
        ),
        (
            "theirs-deployment-123456789012-eu-west-1",
            {},
            "by its name a bucket that an installation of SyncBuckets works with",
        ),
        (
            "their-workbucket",
            {"syncbuckets:stack": "theirs"},
            "by its tags a bucket of the installation 'theirs' of SyncBuckets",
        ),
    ],
    ids=["work bucket", "deployment bucket", "by its tag"],
)
def test_what_another_installation_works_with_is_neither_read_nor_written(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: Sync,
    side: str,
    name: str,
    tags: dict[str, str],
    why: str,
) -> None:
    theirs, sync = buckets.make(name), {**sync, side: name}
    theirs.put_all({"leases/photos/1.json": b"1", "runs/m/1/copy/1.jsonl": b"2"})
    if tags:
        tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
        client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_set})
    before = theirs.bodies()

    found = machine.run(sync)

    assert refused(found) == (
        "InvalidInput",
        f'"{side}" is "{name}", {why}; expected a bucket of your own. Nothing was changed.',
    )
    assert theirs.bodies() == before
    assert machine.wire.counts(name).keys() <= {"HEAD_BUCKET", "GET_BUCKET_TAGGING"}
    assert leases() == []
