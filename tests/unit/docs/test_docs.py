"""The documentation against the code: names that must be there, links that must lead somewhere, examples that must be true."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke.collection import Collection
from places import PROJECT
from samples import run_of

import fabfile
import fabfile_config_template
from deployment import errors
from deployment.build import definitions
from deployment.checks import statelint
from deployment.command_line import sync_flags
from deployment.project import (
    front_matter,
    function_properties,
    machine_properties,
    placeholders,
    states_language,
)
from deployment.project.settings import Settings
from lambda_functions.shared import options
from lambda_functions.shared.errors import Refused
from lambda_functions.shared.tally import ending
from lambda_functions.shared.tally.cost import costs
from lambda_functions.shared.tally.plan import total_of_records
from lambda_functions.shared.tally.report import report
from lambda_functions.shared.tally.sums import WorkTotals

DOCS = PROJECT / "docs"
PAGES = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(DOCS.glob("*.md")),
    PROJECT / "tests" / "README.md",
]
MANY = "…"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(name)}(?!\w)", text) is not None


def sources(folder: str) -> Iterator[Path]:
    yield from sorted((PROJECT / folder).rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


# --- Names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", options.NAMES)
def test_every_option_of_the_input_is_explained(option):
    assert mentions(page("input.md"), option)


def test_every_option_has_a_line_in_the_table_and_a_section():
    headings = " ".join(re.findall(r"^## (.*)$", page("input.md"), re.MULTILINE))
    listed = re.findall(r"^\| \[`(\w+)`\]", page("input.md"), re.MULTILINE)
    assert listed == list(options.NAMES)
    assert [option for option in options.NAMES if f"`{option}`" not in headings] == []


def execution_errors(indent: str = "    ") -> set[str]:
    """The errors that an execution fails with; with any indent, those of the children of its Maps too."""
    machine = (PROJECT / "state_machines" / "sync_buckets_state_machine.yaml").read_text(encoding="utf-8")
    return set(re.findall(rf"^{indent}Error: (\w+)$", machine, re.MULTILINE))


def deployment_errors() -> set[str]:
    classes = (value for value in vars(errors).values() if isinstance(value, type))
    return {found.__name__ for found in classes if issubclass(found, errors.SyncBucketsError)}


def worker_errors() -> set[str]:
    """The exceptions of the Lambdas, by their sources."""
    parents = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for path in sources("lambda_functions")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    found = {"Exception"}
    while grown := {name for name, bases in parents.items() if bases & found} - found:
        found |= grown
    return {name for name in found if not name.startswith("_")} - {"Exception"}


def test_every_error_has_its_place_in_troubleshooting():
    wanted = execution_errors(" +") | deployment_errors() | worker_errors()
    assert wanted >= {"InvalidInput", "SyncIncomplete", "StackError", "RangeBroken"}
    assert [name for name in sorted(wanted) if not mentions(page("troubleshooting.md"), name)] == []


def test_every_setting_is_mentioned_somewhere():
    whole = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    settings = [name for name in vars(fabfile_config_template) if name.isupper()]
    assert settings
    assert [name for name in settings if not mentions(whole, name)] == []


def test_every_option_has_a_line_that_says_what_it_is_for_and_nothing_else_has():
    listed = [name for row in rows_of("input.md", "In short") for name in re.findall(r"`(\w+)`", row[0])]
    assert listed == list(options.NAMES)


def test_every_error_of_an_execution_has_a_line_on_the_page_about_the_report_and_no_other():
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", page("report.md"), re.MULTILINE)) == execution_errors()


def test_the_example_of_a_report_has_every_name_of_a_report_and_no_other():
    (example,) = re.findall(
        r'^```json\n(\{"source": .*?"outcome".*?)```', page("report.md"), re.MULTILINE | re.DOTALL
    )
    source = inspect.getsource(ending)
    added = {
        "report",
        "failures",
        "notSynchronised",
        "warnings",
        "startedAt",
        "endedAt",
        "outcome",
        "cause",
        "phase",
    }
    assert [name for name in sorted(added) if f'"{name}"' not in source] == []
    assert (
        set(json.loads(example))
        == set(report(run_of(), total_of_records([]), WorkTotals(), WorkTotals(), {})) | added
    )


def test_every_state_is_in_the_picture_or_the_text():
    machine = states_language.read(PROJECT / "state_machines" / "sync_buckets_state_machine.yaml").definition
    working = [
        name
        for name, state in machine["States"].items()
        if state["Type"] in ("Task", "Map", "Fail", "Succeed")
    ]
    assert {"CopyKeys", "CopyKeysInline"} <= set(working)
    unnamed = [name for name in working if not mentions(page("architecture.md"), name)]
    assert unnamed == ["NoReport"]  # it fails with SyncIncomplete as well


# --- Tasks, front matter, findings --------------------------------------------------------------------------


def test_every_task_has_a_line_with_all_its_flags_and_nothing_else_has():
    rows = re.findall(r"^\| (`fab.*?`) \| ([^|]+) \|$", page("tasks.md"), re.MULTILINE)
    listed = {
        re.findall(r"`fab (\w+)[ A-Z\[\]]*`", first)[-1]: set(re.findall(r"`--([\w-]+)`", rest))
        for first, rest in rows
    }
    tasks = Collection.from_module(fabfile)
    flags = {
        name: {flag.replace("_", "-") for flag in [*inspect.signature(tasks[name].body).parameters][1:]}
        for name in tasks.task_names
    }
    of_tasks = {"sync": sync_flags.FLAGS, "verify": sync_flags.COMPARING, "policies": sync_flags.GRANTED}
    for name, of_options in of_tasks.items():
        assert listed[name] <= flags[name]  # docs/input.md has those of the options
        parameters = sync_flags.parameters(of_options)
        listed[name] |= {parameter.name.replace("_", "-") for parameter in parameters}
    assert listed == flags


def rows_of(page_name: str, heading: str) -> list[list[str]]:
    """The rows of all tables under a heading, without their heads."""
    section = re.split(r"^## ", page(page_name), flags=re.MULTILINE)
    (text,) = [one for one in section if one.startswith(f"{heading}\n")]
    rows = re.findall(r"^\| (`.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in rows]


def test_every_property_of_a_front_matter_is_in_its_table_with_its_kinds():
    listed = {row[0].strip("`"): row[1] for row in rows_of("front_matter.md", "Properties") if len(row) == 3}
    words = function_properties._WORDS
    assert listed == {
        name: " or ".join(words[kind] for kind in kinds) for name, kinds in function_properties.KINDS.items()
    }


def test_every_property_that_cannot_be_set_is_in_its_table_with_the_reason():
    reserved = [row for row in rows_of("front_matter.md", "Properties") if len(row) == 2]
    listed = {name: row[1] for row in reserved for name in re.findall(r"`(\w+)`", row[0])}
    assert listed == function_properties.RESERVED


def test_every_placeholder_is_in_its_table():
    for heading, known in (
        ("Placeholders", placeholders.LISTS + placeholders.TEXTS),
        ("State machines", tuple(definitions.placeholder_values(Settings(), "", ""))),
    ):
        listed = [row[0] for row in rows_of("front_matter.md", heading)]
        assert listed == [f"`${{{name}}}`" for name in known]


def test_the_example_of_a_machine_of_your_own_has_no_problem(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", page("front_matter.md"), re.DOTALL)
    (tmp_path / "tell.yaml").write_text(example, encoding="utf-8")
    machine = states_language.read(tmp_path / "tell.yaml")
    values = definitions.placeholder_values(Settings(), "work", "aws")
    assert statelint.problems(machine, {}, values) == []
    notes = [problem.message for problem in statelint.notes(machine, {}, values, [machine])]
    assert notes == ["the state Tell has no Retry: one throttled call would fail the run"]
    listed = {row[0].strip("`") for row in rows_of("front_matter.md", "Machines of your own")}
    assert listed == set(machine_properties.KINDS) == set(machine.properties)


def test_the_example_of_a_front_matter_can_be_read(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", page("front_matter.md"), re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    assert front_matter.read(tmp_path / "example.py").properties["MemorySize"] == 1769


def test_every_placeholder_of_a_printed_definition_is_explained():
    listed = " ".join(row[0] for row in rows_of("other_tools.md", "The definition"))
    assert re.findall(r"\$\{(\w+)\}", listed) == ["CopyKeys", "WorkBucket", "Partition"]


def test_every_finding_of_the_broken_projects_is_explained():
    sentences = [row[0].strip("`") for row in rows_of("troubleshooting.md", "What `fab check` finds")]
    patterns = [".*".join(re.escape(part) for part in sentence.split(MANY)) for sentence in sentences]
    reports = [
        path.read_text(encoding="utf-8") for path in (PROJECT / "tests").glob("broken_projects/*/report.txt")
    ]
    lines = [line for report in reports for line in report.splitlines()]
    findings = [line.split(": ", 1)[1] for line in lines if not line.startswith(("Note: ", "Checked: "))]
    assert len(findings) > 60
    assert [one for one in findings if not any(re.fullmatch(pattern, one) for pattern in patterns)] == []


# --- Examples, sentences, numbers ---------------------------------------------------------------------------


def refused_examples() -> list[tuple[str, str]]:
    return re.findall(r"```json refused\n(.*?)\n```\n+```text\n(.*?)\n```", page("input.md"), re.DOTALL)


def accepted_examples() -> list[str]:
    return re.findall(r"```json\n(.*?)\n```", page("input.md"), re.DOTALL)


@pytest.mark.parametrize(("example", "sentence"), refused_examples())
def test_every_refused_example_is_refused_with_its_sentence(example, sentence):
    with pytest.raises(Refused) as refused:
        options.parse(json.loads(example), {"maxConcurrency": 20, "maxDelete": None})
    assert refused.value.error == "InvalidInput"
    assert sentence in refused.value.cause


@pytest.mark.parametrize("example", accepted_examples())
def test_every_other_example_is_accepted(example):
    options.parse(json.loads(example), {"maxConcurrency": 20, "maxDelete": None})


def test_every_option_has_an_example_that_works_and_one_that_is_refused():
    accepted = {name for example in accepted_examples() for name in json.loads(example)}
    assert {name for name in options.NAMES if name not in accepted} == set()
    assert len(refused_examples()) >= len(re.findall(r"^## `", page("input.md"), re.MULTILINE))


def sentences_in_code() -> str:
    """All texts of the sources, with `…` for what is filled in, and the state machine."""
    texts = [(PROJECT / "state_machines" / "sync_buckets_state_machine.yaml").read_text(encoding="utf-8")]
    for folder in ("deployment", "lambda_functions"):
        for path in sources(folder):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    texts.append(
                        "".join(
                            str(part.value) if isinstance(part, ast.Constant) else MANY
                            for part in node.values
                        )
                    )
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append(node.value)
    return "\n".join(texts)


def test_every_sentence_in_troubleshooting_is_one_that_the_code_says():
    code = sentences_in_code()
    quoted = re.findall(r"`([^`\n]*…[^`\n]*)`", page("troubleshooting.md"))
    quoted += re.findall(
        r"^\| (?:archived|vanished|unmappable|changed|failed) \| `(.*?)`",
        page("troubleshooting.md"),
        re.MULTILINE,
    )
    sentences = [one for one in quoted if not one.startswith("aws ")]
    assert len(sentences) > 40
    parts = [(one, part.strip()) for one in sentences for part in one.split(MANY) if len(part.strip()) > 2]
    assert [one for one, part in parts if part not in code] == []


def cost_rows() -> list[list[str]]:
    rows = re.findall(r"^\| (10\^\d.*) \|$", page("cost.md"), re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows]


@pytest.mark.parametrize("row", cost_rows())
def test_every_cost_in_the_examples_is_what_the_code_estimates(row):
    kinds = ("LIST", "HEAD", "COPY", "HEAD_BUCKET")
    *counts, turns, seconds = (int(cell.replace(",", "")) for cell in row[2:-1])
    usd = costs.estimate_usd(dict(zip(kinds, counts, strict=True)), turns, seconds)
    assert row[-1] == (f"{usd:,.4f}" if usd < 1 else f"{usd:,.2f}")


def test_there_are_examples_for_ten_thousand_a_million_and_a_billion_objects():
    assert {row[0] for row in cost_rows()} == {"10^4", "10^6", "10^9"}


def tables(path: Path) -> list[list[str]]:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_table_has_a_head_and_as_many_cells_in_every_line(path):
    for table in tables(path):
        assert re.fullmatch(r"\|( --- \|)+", table[1]), table[0]
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {table[1].count("|")}, table[0]


# --- Links --------------------------------------------------------------------------------------------------


def links(path: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings as GitHub makes them."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(path):
    for link in links(path):
        target, _, anchor = link.partition("#")
        file = path.parent / target if target else path
        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [PROJECT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path not in reached and path.suffix == ".md":
            reached.add(path)
            waiting += [
                (path.parent / link.partition("#")[0]).resolve()
                for link in links(path)
                if not link.startswith("#")
            ]
    pages = [*DOCS.glob("*.md"), *(PROJECT / name for name in ("CONTRIBUTING.md", "SECURITY.md"))]
    assert {named(path) for path in pages} <= {named(path) for path in reached}


def test_every_test_file_that_the_table_of_tests_names_exists():
    text = (PROJECT / "tests" / "README.md").read_text(encoding="utf-8")
    files = re.findall(r"`((?:\w+/)?\w+\.py)`", text)
    assert files
    assert [name for name in files if not (PROJECT / "tests" / name).exists()] == []
