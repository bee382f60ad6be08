"""docs/correctness.md against the files: every trap has one row and one answer, and what a row names is there."""

from __future__ import annotations

import ast
import io
import re
from typing import Any

import pytest
import yaml
from botocore.awsrequest import AWSResponse
from named_tests import is_a_test, quoted
from places import PROJECT
from samples import memory_folder, run_of

from lambda_functions.shared.apply.copier import Copier
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.s3.clients import connect
from lambda_functions.shared.work_items import ToCopy

PAGE = PROJECT / "docs" / "correctness.md"
LAMBDAS = PROJECT / "lambda_functions"
ANSWERS = ("handled", "does not apply", "limit", "documented only")
NONE = "–"
IDS = [
    *(f"T{number}" for number in range(1, 61)),
    *(f"D{number}" for number in range(1, 12)),
    *(f"#{number}" for number in (6, 8, 10, 12, 14, 15, 17)),
]


def rows() -> list[list[str]]:
    """Return id, trap, answer, how, modules and tests of every row, in the order of the page."""
    found = re.findall(r"^\| ((?:T|D|#)\d+ \|.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in found]


ROWS = rows()
BY_ID = [pytest.param(row, id=row[0]) for row in ROWS]


# --- The page -------------------------------------------------------------------------------------------------


def test_every_trap_has_exactly_one_row_and_they_are_in_order():
    assert [row[0] for row in ROWS] == IDS


@pytest.mark.parametrize("row", BY_ID)
def test_a_row_says_what_the_trap_is_one_answer_and_why(row):
    _, trap, answer, how, _, _ = row
    assert answer in ANSWERS
    assert trap.endswith(".") and how.endswith(".")


@pytest.mark.parametrize("row", BY_ID)
def test_every_module_that_a_row_names_exists(row):
    modules = row[4]
    for name in quoted(modules):
        places = (LAMBDAS / "shared" / f"{name}.py", PROJECT / f"{name}.py", PROJECT / name)
        assert any(place.is_file() for place in places), name
    assert quoted(modules) or modules == NONE
    assert quoted(modules) or row[2] != "handled"


@pytest.mark.parametrize("row", BY_ID)
def test_every_test_that_a_row_names_exists(row):
    for name in quoted(row[5]):
        assert is_a_test(name), name


@pytest.mark.parametrize("row", BY_ID)
def test_what_is_handled_is_shown_by_a_test_or_said_not_to_be(row):
    named = quoted(row[5])
    assert len(named) == len(set(named))
    assert named or row[5] == ("no test" if row[2] == "handled" else NONE)


def test_other_rows_that_a_row_sends_to_exist():
    for row in ROWS:
        others = re.findall(r"(?:See|see) ((?:[TD#]\d+(?:, | and )?)+)", row[3])
        for other in re.findall(r"[TD#]\d+", " ".join(others)):
            assert other in IDS and other != row[0], row


# What the page about limits says of each, so that neither is changed without the other.
LIMITS = {
    "T22": "website redirect is lost",
    "T27": "Object Lock and annotations are lost unless",
    "T29": "metadata that S3 only counts as missing",
    "T47": "`deleteMarkers`",
    "T50": "Both buckets in one partition",
    "T52": "(SSE-C) cannot be read",
    "#8": "ACLs are neither copied nor compared",
    "#10": "Only when somebody or a [schedule](schedules.md) starts it",
}


def test_every_limit_is_on_its_page():
    limits = " ".join((PROJECT / "docs" / "limits.md").read_text(encoding="utf-8").split())
    assert {row[0] for row in ROWS if row[2] == "limit"} == set(LIMITS)
    assert [said for said in LIMITS.values() if said not in limits] == []


# --- What AWS requires of a sync ------------------------------------------------------------------------------

AWS_ANSWERS = ("holds", "in part", "differs", "out of scope", "documented only")
# How many requirements the specification has of each kind, counted from 1.
AWS_KINDS = {
    **{"FR-Root": 8, "FR-Enum": 13, "FR-Cmp": 11, "FR-Filter": 7, "FR-Exec": 23, "FR-Fail": 9, "FR-Dry": 2},
    **{"FR-Obs": 3, "NFR-Cost": 1, "NFR-Lat": 1, "NFR-Mem": 1, "NFR-Tput": 2},
}


def required_rows() -> list[list[str]]:
    """Return id, AWS's id, what is required, answer, how it is here and tests of every requirement, in the order of the page."""
    found = re.findall(r"^\| (R\d+ \|.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in found]


REQUIRED = required_rows()


def test_every_requirement_has_exactly_one_row_or_is_left_out_and_they_are_in_order():
    every = [f"{kind}-{number}" for kind, most in AWS_KINDS.items() for number in range(1, most + 1)]
    left_out = PAGE.read_text(encoding="utf-8").partition("Requirements for local files only are left out: ")[
        2
    ]
    local = re.findall(r"FR-\w+-\d+", left_out.partition("\n\n")[0])
    assert [row[0] for row in REQUIRED] == [f"R{number}" for number in range(1, len(REQUIRED) + 1)]
    assert [row[1] for row in REQUIRED] == [name for name in every if name not in local]
    assert (len(every), len(set(local))) == (81, len(local))


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in REQUIRED])
def test_a_requirement_has_one_answer_in_a_few_words_and_tests_that_exist(row):
    _, _, required, answer, here, tests = row
    assert answer in AWS_ANSWERS
    assert required.endswith(".") and here.endswith(".")
    assert len(required) <= 60 and len(here) <= 210, "a table is read at a glance"
    named = quoted(tests)
    assert len(named) == len(set(named))
    assert [name for name in named if not is_a_test(name)] == []
    assert named or (tests == NONE and answer in ("out of scope", "documented only"))
    others = re.findall(r"N?FR-\w+-\d+", here)
    assert set(others) <= {other[1] for other in REQUIRED} - {row[1]}


# --- What was green and wrong ---------------------------------------------------------------------------------


def found_rows() -> list[list[str]]:
    """Return id, input, wrong before, right now and tests of every row about a run, in the order of the page."""
    found = re.findall(r"^\| (F\d+ \|.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in found]


FOUND = found_rows()


def test_every_run_that_was_wrong_has_exactly_one_row_and_they_are_in_order():
    assert len(FOUND) > 40
    assert [row[0] for row in FOUND] == [f"F{number}" for number in range(1, len(FOUND) + 1)]


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in FOUND])
def test_a_run_that_was_wrong_has_an_input_both_endings_and_tests_that_exist(row):
    _, given, wrong, right, tests = row
    assert all(cell.endswith((".", ".”")) for cell in (given, wrong, right))
    named = quoted(tests)
    assert named and len(named) == len(set(named))
    assert [name for name in named if not is_a_test(name)] == []


def harmless_files() -> Any:
    """Return the tables of the test that damages every file: what may be lost, and where deletes go on."""
    page = PROJECT / "tests" / "functional" / "runs" / "test_damaged_files.py"
    tables = {
        node.target.id: node.value
        for node in ast.parse(page.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    }
    return ast.literal_eval(tables["HARMLESS"]), ast.literal_eval(tables["DELETES_GO_ON"])


def test_the_page_lists_exactly_the_kinds_of_files_that_may_be_lost_and_why():
    harmless, deletes_go_on = harmless_files()
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`|]+)` \| (first|last) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert [((kind, which), (step, why)) for kind, which, step, why in rows] == list(harmless.items())
    _, _, below = text.partition("### Files that nobody needs any more")
    assert re.findall(r"^- `([^`]+)`: (.+)\.$", below, re.MULTILINE) == list(deletes_go_on.items())


# --- What the sources must never do ---------------------------------------------------------------------------


def calls_in_lambdas() -> list[tuple[str, ast.Call]]:
    """Return every call of a method in the Lambdas, with the name of its file."""
    return [
        (path.stem, node)
        for path in sorted(LAMBDAS.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]


def method_of(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr


def test_nothing_lists_by_folders():
    calls = calls_in_lambdas()
    assert any(method_of(call) == "list_objects_v2" for _, call in calls)
    assert [file for file, call in calls if any(word.arg == "Delimiter" for word in call.keywords)] == []


def test_objects_are_put_into_the_work_bucket_only():
    writers = {file for file, call in calls_in_lambdas() if method_of(call) == "put_object"}
    assert writers == {"leases", "run_folder"}
    bodies = [
        ast.unparse(word.value)
        for _, call in calls_in_lambdas()
        if method_of(call) == "upload_part"
        for word in call.keywords
        if word.arg == "Body"
    ]
    assert set(bodies) <= {"b''"}, "parts are copied inside S3; only an empty one is sent"


class Raw(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: Any):
        yield self.read()


def test_a_copy_in_one_piece_leaves_annotations_out_and_directives_to_s3():
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, Raw(b"<CopyObjectResult/>"))

    clients = connect(None, None)
    clients.destination.meta.events.register("before-send.s3", answer)
    turn = Turn(0.0, 900.0, "request", lambda: 0.0)

    assert Copier(clients, run_of(), memory_folder(), turn).copy(ToCopy("a", "x", 1)).what == "copied"

    (request,) = sent
    said = {name.lower(): value for name, value in request.headers.items()}
    assert [name for name in said if name.endswith("-directive")] == ["x-amz-object-annotation-directive"]
    assert said["x-amz-object-annotation-directive"] in ("EXCLUDE", b"EXCLUDE")


def test_the_state_machine_as_a_whole_has_no_time_limit():
    text = (PROJECT / "state_machines" / "sync_buckets_state_machine.yaml").read_text(encoding="utf-8")
    machine: dict[str, Any] = yaml.safe_load(text)
    assert "CopyKeys" in machine["States"]
    assert "TimeoutSeconds" not in machine
