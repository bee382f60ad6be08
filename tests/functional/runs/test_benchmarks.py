"""The benchmarks' own servers and arithmetic: what they invent, count and hold back is what the figures stand on."""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import documents, tables, tools
from benchmarks.children import CommandFailed, Server, measure, server, two_processors
from benchmarks.invented import InventedBucket, expected_plan, invented_pair
from benchmarks.kinds import read_request
from benchmarks.planning import Pace, Planned, plan_all
from benchmarks.proxy import Proxy
from benchmarks.results import Results
from benchmarks.shaped import shaped_pair
from benchmarks.shapes import SHAPES
from benchmarks.tools import OURS, OURS_ALL, PEERS, Tool, installed_peers

KEYS = 3000
PAIR = invented_pair(KEYS)


def told(bucket: InventedBucket) -> dict[str, tuple[str, int]]:
    found = [bucket.object_at(position) for position in range(len(bucket))]
    return {one.key: (one.etag, one.size) for one in found}


def lists(endpoint: Server, bucket: str, **parameters: object) -> list[str]:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=endpoint.url,
        aws_access_key_id="benchmark",
        aws_secret_access_key="benchmark",
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, **parameters)
    return [found["Key"] for page in pages for found in page.get("Contents", ())]


def test_the_invented_buckets_differ_by_what_is_expected_of_a_plan_and_their_keys_are_in_order():
    source, destination = told(PAIR["source"]), told(PAIR["destination"])
    assert list(source) == sorted(source, key=str.encode)
    assert list(destination) == sorted(destination, key=str.encode)
    missing = source.keys() - destination.keys()
    changed = [key for key in source.keys() & destination.keys() if source[key] != destination[key]]
    assert (len(missing), len(changed), len(destination.keys() - source.keys())) == (3, 3, 3)
    assert expected_plan(KEYS) == {"copy": 6, "delete": 3}


@given(st.integers(0, KEYS - 1), st.integers(1, KEYS), st.booleans())
def test_a_cut_out_of_a_bucket_is_the_objects_there(first: int, count: int, encoded: bool):
    bucket = PAIR["source"]
    end = min(first + count, len(bucket))
    one_by_one = [bucket.contents(position, position + 1, encoded) for position in range(first, end)]
    assert bucket.contents(first, end, encoded) == b"".join(one_by_one)


def test_the_endpoint_lists_like_s3_and_counts_what_it_was_asked():
    keys = list(told(PAIR["source"]))
    with server("benchmarks.endpoint", str(KEYS)) as endpoint:
        assert lists(endpoint, "source") == keys
        assert (
            lists(endpoint, "source", StartAfter=keys[1500], PaginationConfig={"PageSize": 700})
            == keys[1501:]
        )
        assert lists(endpoint, "source", Prefix="photos/000001/") == keys[1000:2000]
        assert endpoint.told() == {"LIST": 3 + 3 + 1}
        assert endpoint.told() == {}


def test_our_planner_finds_on_the_endpoint_what_there_is_to_do():
    said: list[str] = []
    (planned,) = plan_all([KEYS], [OURS], Pace(repeats=1, longest_seconds=60), said.append)
    assert 6 <= planned.requests["LIST"] <= 6 + 8  # three pages a side, and what cutting them may cost
    assert (planned.tool, planned.keys, planned.repeats, len(said)) == ("SyncBuckets", KEYS, 1, 1)


def test_all_metadata_is_asked_for_on_both_sides_of_what_is_otherwise_current_and_stands_beside_the_default():
    runs = plan_all([1000], [OURS, OURS_ALL], Pace(repeats=1, longest_seconds=60), lambda text: None)
    missing = changed = 1
    assert [run.requests.get("HEAD", 0) for run in runs] == [0, 2 * (1000 - missing - changed)]
    assert [run.requests["LIST"] for run in runs] == [2, 2]
    told = tables.performance(Results({}, metadata=runs))
    assert "### Planning with the metadata of every object, 1,000 keys a side" in told
    assert f"| {OURS_ALL.name} |" in told and "| 1,996 HEAD, 2 LIST |" in told


def test_results_without_plans_of_metadata_are_read_and_those_with_them_come_back(tmp_path: Path):
    path = tmp_path / "results.json"
    path.write_text('{"machine": {}, "planned": [], "synced": []}')
    assert Results.read(path).metadata == []
    known = Results({}, metadata=[Planned("SyncBuckets", 1, 1.0, 1.0, 1, 1, {"LIST": 2}, 0)])
    known.write(path)
    assert Results.read(path) == known


@pytest.mark.parametrize("shape", SHAPES)
def test_buckets_with_keys_of_a_shape_are_listed_in_order_and_differ_by_what_is_expected_of_a_plan(
    shape: str,
):
    pair = shaped_pair(shape, KEYS)
    found = {side: {key: bucket.find(key) for key in lists_all(bucket)} for side, bucket in pair.items()}
    source, destination = found["source"], found["destination"]
    assert list(source) == sorted(source, key=str.encode) and len(source) == KEYS
    assert list(destination) == sorted(destination, key=str.encode) and len(destination) == KEYS
    missing = source.keys() - destination.keys()
    changed = [key for key in source.keys() & destination.keys() if source[key] != destination[key]]
    assert (len(missing), len(changed), len(destination.keys() - source.keys())) == (3, 3, 3)


def lists_all(bucket) -> list[str]:
    contents = bucket.contents(0, len(bucket), encoded=True).decode()
    return [urllib.parse.unquote_plus(part.partition("</Key>")[0]) for part in contents.split("<Key>")[1:]]


@pytest.mark.parametrize("shape", ["words", "Chinese"])
def test_our_planner_finds_what_there_is_to_do_among_keys_of_a_shape_with_a_delay(shape: str):
    (planned,) = plan_all([5000], [OURS], Pace(1, 60), lambda text: None, 5, shape)

    assert (planned.shape, planned.delay_ms) == (shape, 5)
    assert planned.plan_seconds is not None and 0.005 * 5 < planned.plan_seconds < planned.wall_seconds
    assert planned.extra_lists == planned.requests["LIST"] - 10 >= 0


def test_the_endpoint_holds_every_answer_back():
    with server("benchmarks.endpoint", str(KEYS), "50") as endpoint:
        began = time.monotonic()
        lists(endpoint, "source")
        assert time.monotonic() - began >= 3 * 0.05


def test_what_is_measured_and_its_server_have_a_processor_each():
    mine, theirs = two_processors()
    if mine is None:
        assert len(getattr(os, "sched_getaffinity", lambda pid: {0})(0)) == 1
        return
    assert mine != theirs
    show = [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"]
    assert measure(show, dict(os.environ), mine).output.strip() == f"[{mine}]"


def test_peers_that_are_not_installed_are_left_out_and_the_reason_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tools.sys, "executable", "/nowhere/python")
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    said: list[str] = []

    assert installed_peers(said.append) == ()
    assert [text.partition(": left out: ")[0] for text in said] == [peer.name for peer in PEERS]
    assert all(text.endswith("Run: pip install -r benchmarks/requirements.txt") for text in said)


def planned_late(tool: str, keys: int, seconds: float, shape: str = "") -> Planned:
    lists = {"LIST": 2 * keys // 1000 + 7}
    return Planned(tool, keys, seconds, 1.0, 5_000_000, 1, lists, None, seconds / 2, shape, 80.0)


def test_plans_with_a_delay_stand_first_and_the_readme_has_the_greatest_size_that_most_tools_have():
    runs = [
        planned_late("peer", 20_000, 4.0),
        planned_late(OURS.name, 20_000, 1.0),
        planned_late(OURS.name, 1_000_000, 12.0),
        planned_late(OURS.name, 20_000, 1.5, "words"),
    ]
    results = Results({}, planned=[Planned(OURS.name, 10_000, 1, 1, 1, 1, {"LIST": 20})], delayed=runs)

    told, summary = tables.performance(results), tables.summary(results)

    assert told.index("20,000 keys a side, 80 ms a request") < told.index("### Planning, 10,000 keys a side")
    assert "| peer | 4.00 | 4.0 x | 2.00 | 1.00 | 5 | 47 | 7 |" in told
    assert "| words | 0.75, 7 |" in told
    assert summary.startswith("Planning a sync of 20,000 keys a side, 80 ms a request:")


def test_a_part_that_is_measured_alone_leaves_the_figures_of_the_others(tmp_path: Path):
    path, late = tmp_path / "results.json", planned_late("peer", 20_000, 4.0)
    known = [Planned("SyncBuckets", 1, 1.0, 1.0, 1, 1, {"LIST": 2}, 0)]
    Results({"date": "earlier"}, planned=known).write(path)

    both = Results({"date": "now"}, delayed=[late]).completed_by(Results.read(path))
    both.write(path)

    expected = Results(
        {"date": "now"}, planned=known, delayed=[late], earlier={"planned": {"date": "earlier"}}
    )
    assert Results.read(path) == expected
    said = tables.performance(expected)
    assert "Measured so: date now.\n\nPlans without a delay so: date earlier." in said


def test_a_tool_that_does_nothing_has_no_figures():
    idle = Tool("idle", lambda *where: ["true"], lambda output: {"copy": 0, "delete": 0})
    with pytest.raises(CommandFailed, match=r"idle planned \{'copy': 0, 'delete': 0\} instead of"):
        plan_all([KEYS], [idle], Pace(repeats=1, longest_seconds=60), lambda text: None)


def test_the_proxy_counts_by_bucket_and_kind_and_changes_nothing():
    with (
        server("benchmarks.endpoint", str(KEYS)) as endpoint,
        server("benchmarks.proxy", endpoint.url.rpartition(":")[2]) as proxy,
    ):
        assert lists(proxy, "source") == lists(endpoint, "source")
        put = urllib.request.Request(f"{proxy.url}/work/a%20b", data=bytes(300_000), method="PUT")
        with urllib.request.urlopen(put, timeout=60) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"{proxy.url}/work/a%20b", timeout=60) as answer:
            assert answer.read() == bytes(300_000)
        assert proxy.told("/-/delay/1/2") == {"source LIST": 3, "work PUT": 1, "work GET": 1}
        assert len(lists(proxy, "source")) == KEYS


def test_the_proxy_holds_back_every_request_or_those_of_one_kind():
    proxy = Proxy(port=0)
    copy = read_request(b"PUT /b/k HTTP/1.1\r\nX-Amz-Copy-Source: b/j")
    put = read_request(b"PUT /b/k HTTP/1.1")

    proxy.tell(read_request(b"GET /-/delay/30/80/COPY HTTP/1.1"))
    assert 0.03 <= proxy.seconds_for(copy) <= 0.08
    assert proxy.seconds_for(put) == 0

    proxy.tell(read_request(b"GET /-/delay/30/80 HTTP/1.1"))
    assert 0.03 <= proxy.seconds_for(put) <= 0.08


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("GET /b?list-type=2&prefix= HTTP/1.1", "LIST"),
        ("HEAD /b HTTP/1.1", "HEAD_BUCKET"),
        ("GET /b?location HTTP/1.1", "GET_LOCATION"),
        ("GET /b/k HTTP/1.1", "GET"),
        ("HEAD /b/k HTTP/1.1", "HEAD"),
        ("PUT /b/k HTTP/1.1", "PUT"),
        ("PUT /b/k HTTP/1.1\r\nX-Amz-Copy-Source: b/j", "COPY"),
        ("PUT /b/k?partNumber=1&uploadId=u HTTP/1.1\r\nX-Amz-Copy-Source: b/j", "COPY_PART"),
        ("POST /b?delete HTTP/1.1", "DELETE_OBJECTS"),
        ("DELETE /b/k HTTP/1.1", "DELETE"),
    ],
)
def test_a_request_is_of_its_kind(head: str, kind: str):
    assert read_request(head.encode()).kind() == kind


def test_a_document_is_changed_between_its_markers_and_nowhere_else(tmp_path: Path):
    path = tmp_path / "page.md"
    path.write_text(f"Before\n{documents.BEGIN}\nold\n{documents.END}\nAfter\n")
    documents.put(path, "new")
    documents.put(path, "newer")
    assert path.read_text() == f"Before\n{documents.BEGIN}\n\nnewer\n\n{documents.END}\nAfter\n"
    path.write_text("no markers")
    with pytest.raises(ValueError, match=r"page\.md needs the lines"):
        documents.put(path, "new")
