"""The main job by the real `fab`, real zips and the real state machine, checked by reading every object of both buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from deployed_project import Project

from deployment.emulator import verify

KEYS = 2000
MISSING, CHANGED, ORPHANED = range(0, 100), range(100, 200), range(100)


def key_of(number: int) -> str:
    return f"data/{number % 7}/{number:05d} ü+%&.txt"


def thing(number: int) -> dict[str, Any]:
    """Return an object with everything that a sync has to carry."""
    return {
        "Key": key_of(number),
        "Body": f"object {number}".encode(),
        "ContentType": "text/plain",
        "CacheControl": f"max-age={number}",
        "ContentLanguage": "en",
        "Metadata": {"number": str(number)},
        "Tagging": f"number={number}",
    }


def listed(client: Any, bucket: str) -> dict[str, tuple[str, Any]]:
    """Return ETag and date of every object: what no write leaves as it is."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        one["Key"]: (one["ETag"], one["LastModified"]) for page in pages for one in page.get("Contents", ())
    }


def put_all(client: Any, bucket: str, things: list[dict[str, Any]]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: client.put_object(Bucket=bucket, **one), things))


@pytest.fixture(scope="module")
def two_thousand(deployed: Project) -> Iterator[tuple[Any, Any]]:
    """Two buckets in two regions: 100 keys missing, 100 changed, 100 orphaned, 1,800 equal and not older at the destination."""
    source, destination = deployed.bucket("big-source"), deployed.bucket("big-destination", "us-west-2")
    put_all(source, "big-source", [thing(number) for number in range(KEYS)])
    there = [thing(number) for number in range(200, KEYS)]
    there += [{"Key": key_of(number), "Body": b"something else"} for number in CHANGED]
    there += [{"Key": f"orphan/{number}", "Body": b"orphan"} for number in ORPHANED]
    put_all(destination, "big-destination", there)
    yield source, destination


def test_two_thousand_objects_in_two_regions_become_equal_and_a_second_run_only_lists(
    deployed: Project, two_thousand: tuple[Any, Any]
) -> None:
    source, destination = two_thousand
    before = listed(destination, "big-destination")
    planned = deployed.report(source="big-source", destination="big-destination", dryRun=True)
    assert listed(destination, "big-destination") == before, "a dry run changes nothing"
    report = deployed.report(source="big-source", destination="big-destination", verify=True)
    assert (report["verified"]["objects"], report["verified"]["differences"]) == (KEYS, 0)
    assert report["verified"]["isWhole"]
    assert (
        list(
            verify.differences(verify.read(source, "big-source"), verify.read(destination, "big-destination"))
        )
        == []
    )
    assert report["plan"] == planned["plan"], "the plan of a dry run is what the real run then does"
    assert report["plan"]["copy"]["objects"] == report["copied"]["objects"] == 200
    assert report["plan"]["delete"]["objects"] == report["deleted"]["objects"] == 100
    assert report["plan"]["copy"]["bytes"] == report["copied"]["bytes"]
    assert report["current"]["objects"] == 1800
    assert report["requests"]["COPY"] == 200
    assert report["requests"]["HEAD"] == 100
    again = deployed.report(source="big-source", destination="big-destination")
    assert again["copied"]["objects"] == again["deleted"]["objects"] == 0
    assert set(again["requests"]) == {"LIST", "HEAD_BUCKET"}


def test_keys_outside_the_prefix_are_untouched(deployed: Project) -> None:
    source, destination = deployed.bucket("prefix-source"), deployed.bucket("prefix-destination")
    put_all(source, "prefix-source", [{"Key": key, "Body": b"new"} for key in ("in/a", "in/b", "out/c")])
    put_all(
        destination,
        "prefix-destination",
        [{"Key": key, "Body": b"older"} for key in ("in/a", "in/z", "out/c", "out/z")],
    )
    outside = {
        key: seen
        for key, seen in verify.read(destination, "prefix-destination").items()
        if key.startswith("out/")
    }
    deployed.report(source="prefix-source", destination="prefix-destination", prefix="in/")
    after = verify.read(destination, "prefix-destination")
    assert {key: seen for key, seen in after.items() if key.startswith("out/")} == outside
    assert sorted(key for key in after if key.startswith("in/")) == ["in/a", "in/b"]


@pytest.mark.parametrize(
    "filters", [{}, {"include": ["nothing-is-called-so"]}], ids=["empty", "emptied by its filters"]
)
def test_an_empty_source_deletes_nothing(deployed: Project, filters: dict[str, Any]) -> None:
    name = f"refused-{len(filters)}"
    source, destination = deployed.bucket(f"{name}-source"), deployed.bucket(f"{name}-destination")
    kept = "nothing-is-called-so" if filters else "precious"
    put_all(destination, f"{name}-destination", [{"Key": kept, "Body": b"data"}])
    if filters:
        put_all(source, f"{name}-source", [{"Key": "something", "Body": b"data"}])
    execution = deployed.execute(source=f"{name}-source", destination=f"{name}-destination", **filters)
    assert (execution["status"], execution["error"]) == ("FAILED", "DeletionRefused")
    assert "nothing is left of the source" in execution["cause"]
    assert list(verify.read(destination, f"{name}-destination")) == [kept]


MISTAKES = [
    ({"destination:": "b-bucket"}, 'did you mean "destination"?'),
    ({"destination": "arn:aws:s3:::b-bucket"}, 'expected only the bucket\'s name, "b-bucket"'),
    (
        {"destination": "s3://b-bucket/x/"},
        'expected only the bucket\'s name, "b-bucket", and "destinationPrefix": "x/"',
    ),
    (
        {"destination": "no-such-bucket-anywhere"},
        'the destination bucket "no-such-bucket-anywhere" does not exist',
    ),
]


@pytest.mark.parametrize(
    ("options", "said"), MISTAKES, ids=["mistyped key", "ARN", "s3 address", "unknown bucket"]
)
def test_a_mistaken_input_ends_with_one_clear_cause(
    deployed: Project, options: dict[str, str], said: str
) -> None:
    if not any(b["Name"] == "a-bucket" for b in deployed.client("s3").list_buckets()["Buckets"]):
        deployed.bucket("a-bucket")
    execution = deployed.execute(source="a-bucket", **options)
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidInput")
    assert said in execution["cause"]
    assert "Nothing was changed." in execution["cause"]


def test_fab_sync_prints_one_json_document_and_exits_zero(deployed: Project) -> None:
    source, destination = deployed.bucket("fab-source"), deployed.bucket("fab-destination")
    put_all(source, "fab-source", [{"Key": "a", "Body": b"1"}, {"Key": "b", "Body": b"22"}])
    done = deployed.fab("sync", "--source", "fab-source", "--destination", "fab-destination", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["status"] == "SUCCEEDED"
    assert document["report"]["copied"] == {"objects": 2, "bytes": 3}
    assert list(verify.read(destination, "fab-destination")) == ["a", "b"]


def test_fab_sync_of_a_failing_run_exits_one_with_the_cause(deployed: Project) -> None:
    deployed.bucket("only-source")
    done = deployed.fab("sync", "--source", "only-source", "--destination", "nowhere-to-be-found")
    assert done.returncode == 1
    assert "InvalidInput" in done.stderr
    assert 'the destination bucket "nowhere-to-be-found" does not exist' in done.stderr
    assert "Traceback" not in done.stderr


def test_status_and_logs_tell_of_a_run_that_has_ended(deployed: Project) -> None:
    execution = deployed.execute(source="no-such-source", destination="no-such-destination")

    status = deployed.fab("status", "--json")
    assert status.returncode == 0, status.stderr
    ended = {one["executionArn"]: one for one in json.loads(status.stdout)["ended"]}[
        execution["executionArn"]
    ]
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidInput")
    assert ended["sides"] == "no-such-source -> no-such-destination"

    logs = deployed.fab("logs", "--json", "--since", "1h", "--function", "validate_input")
    assert logs.returncode == 0, logs.stderr
    lines = [json.loads(line) for line in logs.stdout.splitlines()]
    assert {line["function"] for line in lines} == {"validate_input"}
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)


def test_a_second_run_of_the_same_pair_is_refused_while_one_is_running(deployed: Project) -> None:
    source, destination = deployed.bucket("busy-source"), deployed.bucket("busy-destination")
    put_all(source, "busy-source", [{"Key": f"{number:04d}", "Body": b"data"} for number in range(800)])
    first = deployed.start(source="busy-source", destination="busy-destination")
    deployed.wait_until(lambda: any(deployed.work_keys("leases/busy-destination/")))
    second = deployed.execute(source="busy-source", destination="busy-destination")
    assert (second["status"], second["error"]) == ("FAILED", "AlreadyRunning")
    assert first in second["cause"]
    assert deployed.wait(first)["status"] == "SUCCEEDED"
    assert len(listed(destination, "busy-destination")) == 800
    assert deployed.work_keys("leases/busy-destination/") == []


def test_a_multipart_object_of_64_mb_keeps_its_etag_and_is_current_on_the_second_run(
    deployed: Project,
) -> None:
    source, destination = deployed.bucket("parts-source"), deployed.bucket("parts-destination")
    place = {"Bucket": "parts-source", "Key": "video"}
    upload = source.create_multipart_upload(
        **place, ContentType="video/mp4", Metadata={"a": "b"}, Tagging="c=d"
    )
    parts = []
    for number in range(1, 9):
        body = bytes([number]) * 8 * 1024**2
        done = source.upload_part(**place, UploadId=upload["UploadId"], PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": done["ETag"]})
    source.complete_multipart_upload(**place, UploadId=upload["UploadId"], MultipartUpload={"Parts": parts})
    report = deployed.report(source="parts-source", destination="parts-destination")
    assert report["requests"]["UPLOAD_PART_COPY"] == 8
    assert (
        destination.head_object(Bucket="parts-destination", Key="video")["ETag"]
        == source.head_object(**place)["ETag"]
    )
    assert (
        list(
            verify.differences(
                verify.read(source, "parts-source"), verify.read(destination, "parts-destination")
            )
        )
        == []
    )
    assert "Uploads" not in destination.list_multipart_uploads(Bucket="parts-destination")
    again = deployed.report(source="parts-source", destination="parts-destination")
    assert set(again["requests"]) == {"LIST", "HEAD_BUCKET"}
