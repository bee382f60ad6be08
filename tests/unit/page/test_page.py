"""`fab report --html`: a page that loads and runs nothing, whatever a key is called, and that says what the report says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from deployment.page.page import POLICY
from deployment.tasks.runs import report_page
from tests.fake_executions import ARN, BEGAN, FOLDER, LINK, REPORT, error
from tests.planned_runs import planned, report_of
from tests.reported_runs import DENIED, Bucket, ended, line, made

HOSTILE = [
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "\"onload='x'`&amp;<!--",
    "a\0b\x1b[2J\r\n\t",
    "photo\u202egnp.exe\u2066\u200f",
    "مرحبا/صورة.jpg",
    "é" * 512,
    "x" * 1024,
    "javascript:alert(1)",
    "",
]


def test_the_page_forbids_scripts_and_requests_and_has_none(aws: Bucket, tmp_path: Path) -> None:
    page = made(aws, tmp_path)
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in page.all("meta")
    assert POLICY.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert page.dangers() == []
    assert [link["href"] for link in page.all("a")] == [LINK]


def test_a_phone_and_a_dark_screen_get_a_style_of_their_own(aws: Bucket, tmp_path: Path) -> None:
    page = made(aws, tmp_path)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert {"name": "color-scheme", "content": "light dark"} in page.all("meta")
    assert "@media (prefers-color-scheme: dark)" in page.style
    assert "@media (max-width: 640px)" in page.style


def test_the_numbers_are_those_of_the_report(aws: Bucket, tmp_path: Path) -> None:
    words = made(aws, tmp_path).words
    assert (
        "1,200 objects (5.0 MiB) were copied from photos to photos-copy, 3 were deleted there, "
        "and 98,765 objects were already equal."
    ) in words
    assert "copied1,2005.0 MiB" in words
    assert "deleted330 bytes" in words
    assert "already equal98,76520.0 GiB" in words
    assert "not synchronised0" in words
    assert "COPY1,200LIST202" in words
    assert "estimated cost$0.0070" in words
    assert "time1 min 35 s" in words
    assert ARN in words


@pytest.mark.parametrize("key", HOSTILE, ids=lambda key: ascii(key[:12]))
@pytest.mark.parametrize("where", ["key", "error", "what", "warning", "prefix", "option", "cause"])
def test_nothing_from_outside_becomes_more_than_text(
    aws: Bucket, tmp_path: Path, where: str, key: str
) -> None:
    options = {"source": "photos", "destination": "photos-copy", "prefix": key if where == "prefix" else ""}
    options |= {"exclude": [key], key: 1} if where == "option" else {}
    left = {
        **REPORT,
        "failed": {"objects": 1},
        "options": options,
        "warnings": [key] if where == "warning" else [],
    }
    ended(
        aws, "FAILED", left, error="SyncIncomplete", cause=key if where == "cause" else "2 objects were not."
    )
    values = {"key": "k", "what": "failed", "error": DENIED} | (
        {where: key} if where in ("key", "error", "what") else {}
    )
    aws.put_failures([values])

    page = made(aws, tmp_path)

    assert page.dangers() == []
    assert not {char for char in page.words if char in "\0\x1b\r\u202e\u2066\u200f"}
    allowed = {
        "html",
        "head",
        "meta",
        "link",
        "title",
        "style",
        "body",
        "main",
        "header",
        "p",
        "bdi",
        "span",
        "h1",
        "div",
    }
    allowed |= {
        "strong",
        "section",
        "h2",
        "figure",
        "figcaption",
        "svg",
        "g",
        "rect",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
    }
    assert page.tags() <= allowed | {
        "td",
        "i",
        "details",
        "summary",
        "ul",
        "li",
        "code",
        "dl",
        "dt",
        "dd",
        "footer",
        "a",
    }


def test_a_key_is_shown_whole_and_as_what_it_is(aws: Bucket, tmp_path: Path) -> None:
    ended(aws, "FAILED", {**REPORT, "failed": {"objects": len(HOSTILE)}}, error="SyncIncomplete", cause="no.")
    aws.put_failures([line(key) for key in HOSTILE])
    words = made(aws, tmp_path).words
    assert all(key in words for key in (HOSTILE[0], HOSTILE[5], HOSTILE[6], HOSTILE[7]))
    assert "a\\x00b\\x1b[2J\\r\\n\\t" in words
    assert "photo\\u202egnp.exe" in words
    assert "(the empty key)" in words


def test_causes_have_their_numbers_and_first_keys_and_say_where_the_others_are(
    aws: Bucket, tmp_path: Path
) -> None:
    ended(aws, "FAILED", {**REPORT, "failed": {"objects": 30}}, error="SyncIncomplete", cause="no.")
    aws.put_failures(
        [line(f"k{number:02}") for number in range(30)], [line("gone", "vanished", "")], unfinished=2
    )
    page = made(aws, tmp_path)
    assert f"AccessDenied 30 objectsfailed: {DENIED}k00k01" in page.words
    assert "k19and 10 more. All of them: fab report monday --csv FILE" in page.words
    assert "vanished 1 objectgonevanished" in page.words
    assert "Of 2 shards there is no record up to the end, because a worker broke" in page.words


def test_without_the_files_the_page_has_what_the_report_names(aws: Bucket, tmp_path: Path) -> None:
    named = {
        "notSynchronised": [line("a")],
        "causes": {"AccessDenied": {"objects": 8}, "NoSuchKey": {"objects": 1}},
    }
    ended(aws, "FAILED", {**REPORT, **named}, error="SyncIncomplete", cause="no.")
    words = made(aws, tmp_path).words
    assert f"AccessDenied 8 objectsafailed: {DENIED}and 7 more." in words
    assert "NoSuchKey 1 object" in words
    assert "failures.json is not there: the run's files have expired" in words


def test_a_dry_run_shows_the_first_keys_of_its_plan(aws: Bucket, tmp_path: Path) -> None:
    del aws.objects[f"{FOLDER}/compared/1-0001.json"]
    aws.put_wave(
        1, [{"copy": [[planned("a", "new"), planned("b", "new")]], "delete": [[planned("c<b>", "orphan")]]}]
    )
    ended(aws, "SUCCEEDED", report_of(2, 1))
    page = made(aws, tmp_path)
    assert "+ New 2 objectsnew: 3 bytesab" in page.words
    assert "- Orphans 1 objectc<b>orphan: 3 bytes" in page.words


# Time


def test_time_is_told_by_phase_and_drawn_by_worker(aws: Bucket, tmp_path: Path) -> None:
    page = made(aws, tmp_path)
    assert "comparing1.0 s4.0 s114.0 s25 objects" in page.words
    assert "copying6.0 s20 s2230 s5 objects, 50 bytes" in page.words
    (drawn,) = [one for one in page.all("svg") if one["class"] == "lanes"]
    assert drawn["aria-label"] == "3 turns of workers, at most 2 at once, in 1 min 35 s"
    assert "copy-000002-0: 10 s from 7.0 s on, 3 objects, 3 not synchronised" in page.words


def test_a_very_large_object_has_a_bar_for_each_of_its_steps(aws: Bucket, tmp_path: Path) -> None:
    steps = [{"startedAt": (BEGAN + timedelta(seconds=30)).isoformat(), "seconds": 5.0} for _ in range(3)]
    aws.put_turn("copied", "large-000001-0", 30.0, 15.0, steps=steps)
    assert made(aws, tmp_path).words.count("large-000001-0: 5.0 s from 30 s on") == 3


def test_records_of_an_older_deployment_are_left_out_with_a_word(aws: Bucket, tmp_path: Path) -> None:
    aws.put_turn("copied", "copy-000003-0", None, 10.0)
    page = made(aws, tmp_path)
    assert (
        "1 record does not say when it began: an older deployment made it. Their time is not shown here."
        in page.words
    )
    assert "copy-000003-0" not in page.words


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("many", "The run has left more than 2 records"),
        ("denied", "compared/ cannot be listed: AWS refused ListObjectsV2 with AccessDenied: no"),
        ("odd", "copied/copy-000001-0.json is not what a run writes."),
        ("endless", "copied/copy-000001-0.json is not what a run writes."),
        ("cut", "copied/copy-000001-0.json was cut or overwritten"),
    ],
)
def test_where_time_cannot_be_told_the_page_says_why(
    aws: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str, why: str
) -> None:
    if harm == "many":
        monkeypatch.setattr(report_page, "MAX_RECORDS_READ", 2)
    elif harm == "denied":
        aws.refused["list_objects_v2"] = error("AccessDenied", "ListObjectsV2", 403)
    elif harm == "cut":
        aws.objects[f"{FOLDER}/copied/copy-000001-0.json"] = b"{"
    else:
        aws.put_turn("copied", "copy-000001-0", 1.0, float("inf") if harm == "endless" else "soon")  # type: ignore[arg-type]
    page = made(aws, tmp_path)
    assert why in page.words
    assert "lanes" not in page.classes("svg")


# Cost and options


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({"lists": 0.03, "lambda": 1.5}, "itemcostLambda$1.50LIST requests$0.0300An estimate"),
        ({"writes.GLACIER<b>": 2}, "itemcostwrites into GLACIER<b>$2.00An estimate"),
        ({}, "LIST202An estimate"),
        (None, "LIST202An estimate"),
    ],
)
def test_cost_is_told_by_item_where_the_report_has_items(
    aws: Bucket, tmp_path: Path, cost: object, said: str
) -> None:
    ended(aws, "SUCCEEDED", {**REPORT, "skipped": {}, "cost": cost})
    assert said in made(aws, tmp_path).words


def test_carrying_a_plan_out_has_its_own_estimate(aws: Bucket, tmp_path: Path) -> None:
    ended(aws, "SUCCEEDED", report_of(4, 0))
    assert "Carrying the plan out is estimated to cost $0.0294 besides." in made(aws, tmp_path).words


def test_options_that_somebody_chose_stand_before_all_others(aws: Bucket, tmp_path: Path) -> None:
    options = {
        "source": "photos",
        "destination": "photos-copy",
        "prefix": "",
        "delete": True,
        "include": ["*.jpg"],
    }
    ended(aws, "SUCCEEDED", {**REPORT, "skipped": {}, "options": options})
    said = 'sourcephotosdestinationphotos-copyAll others (3)prefix""deletetrueinclude["*.jpg"]'
    assert said in made(aws, tmp_path).words
