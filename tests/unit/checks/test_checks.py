"""The offline checks: what they find, where they say it is, and that our own project passes them."""

from __future__ import annotations

import ast
import copy
import shutil
from collections.abc import Iterator
from dataclasses import replace as replace_fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PROJECT, TESTS

from deployment.build import definitions
from deployment.checks import check, statelint
from deployment.checks.statelint import REPORTED_ELSEWHERE, SHIPPED, STATELINT_EXEMPTIONS
from deployment.project import python_source, states_language
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync

GOOD = PROJECT / "tests" / "good_project"
WORK = (GOOD / "lambda_functions" / "work.py").read_text(encoding="utf-8")
MACHINE = (GOOD / "state_machines" / "sync.yaml").read_text(encoding="utf-8")

VALUES = definitions.placeholder_values(Settings(), "work", "aws")
KNOWN = ", ".join(f"${{{name}}}" for name in sorted(VALUES))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    shutil.copytree(GOOD, made, ignore=shutil.ignore_patterns("__pycache__"))
    return made


def problems(project: Path) -> list[str]:
    return [str(problem) for problem in check.check(project, Settings()).problems]


def replace(project: Path, path: str, *pairs: tuple[str, str]) -> None:
    """Change a file; each text to replace must stand in it."""
    text = (project / path).read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    (project / path).write_text(text)


def in_machine(project: Path, *pairs: tuple[str, str]) -> list[str]:
    replace(project, "state_machines/sync.yaml", *pairs)
    return problems(project)


def rules_broken(project: Path, *pairs: tuple[str, str]) -> list[str]:
    """What is wrong with the changed machine alone."""
    replace(project, "state_machines/sync.yaml", *pairs)
    machine = states_language.read(project / "state_machines" / "sync.yaml")
    found = statelint.problems(machine, {"work": 60}, VALUES) + statelint.notes(
        machine, {"work": 60}, VALUES, [machine]
    )
    return sorted((str(problem) for problem in found), key=lambda text: int(text.split(":")[1]))


# --- Our own project --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(
            region="eu-west-1", max_concurrency=5, max_delete="10%", source_buckets=("abc",), tags={"a": "b"}
        ),
    ],
)
def test_our_own_project_has_no_problems(settings):
    assert check.check(PROJECT, settings).problems == ()


def test_the_project_of_these_tests_has_none_to_begin_with(project):
    assert problems(project) == []


def test_every_exemption_from_statelint_is_needed(monkeypatch):
    """By a definition that AWS takes: without it, there would be a false alarm."""
    monkeypatch.setattr("deployment.checks.statelint.STATELINT_EXEMPTIONS", ())
    monkeypatch.setattr("deployment.checks.statelint.REPORTED_ELSEWHERE", ())
    valid = [states_language.read(path) for path in sorted((TESTS / "definitions" / "valid").glob("*.yaml"))]
    found = [
        problem.message.removesuffix(" (statelint)")
        for machine in (*valid, states_language.read(GOOD / "state_machines" / "sync.yaml"))
        for problem in statelint.problems(machine, {"work": 60}, VALUES)
    ]
    for exemption in STATELINT_EXEMPTIONS:
        assert any(exemption.fullmatch(message) for message in found), exemption.pattern
    known = (*STATELINT_EXEMPTIONS, *REPORTED_ELSEWHERE)
    assert [one for one in found if not any(pattern.fullmatch(one) for pattern in known)] == []


# --- Functions and the template ---------------------------------------------------------------------------


def test_mistakes_of_the_front_matter_and_of_the_machines_are_reported_together(project):
    replace(project, "lambda_functions/work.py", ("Timeout: 60", "Timeout: ten"))
    assert in_machine(project, ("    TimeoutSeconds: 90\n", "    TimeoutSeconds: 0\n")) == [
        "lambda_functions/work.py:3: Timeout is 'ten': expected a whole number",
        "state_machines/sync.yaml:6: the state Begin has TimeoutSeconds: 0: "
        "expected a whole number from 1 to 99999999",
    ]


def test_an_opinion_is_a_note_but_of_the_machine_that_is_shipped(project):
    """How others write their machines is their decision, and the exit status says nothing against it."""
    text = "state_machines/{}:3: the state Begin has no TimeoutSeconds: a missing answer would be waited for up to a year"
    assert in_machine(project, ("    TimeoutSeconds: 90\n", "")) == []
    assert text.format("sync.yaml") in check.check(project, Settings()).notes
    (project / "state_machines" / "sync.yaml").rename(project / "state_machines" / SHIPPED)
    assert problems(project) == [text.format(SHIPPED)]
    assert text.format(SHIPPED) not in check.check(project, Settings()).notes


def test_a_timeout_of_the_whole_machine_counts(project):
    replace(
        project,
        "state_machines/sync.yaml",
        ("    TimeoutSeconds: 90\n", ""),
        ("StartAt", "TimeoutSeconds: 600\nStartAt"),
    )
    assert [note for note in check.check(project, Settings()).notes if "no TimeoutSeconds" in note] == []


@pytest.mark.parametrize(
    ("today", "is_note", "is_problem"),
    [(date(2024, 10, 13), False, False), (date(2024, 10, 14), True, False), (date(2027, 2, 1), False, True)],
)
def test_a_deprecated_runtime_is_a_note_until_aws_blocks_it(project, today, is_note, is_problem):
    replace(project, "lambda_functions/work.py", ("Timeout: 60", "Runtime: python3.8"))
    found = check.check(project, Settings(source_buckets=("abc",)), today=today)
    page = "Use python3.14: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
    note = (
        "lambda_functions/work.py:3: Runtime: python3.8 is deprecated since 2024-10-14; "
        f"AWS creates functions with it until 2027-02-01. {page}"
    )
    problem = (
        "lambda_functions/work.py:3: Runtime: python3.8 has ended: AWS creates no functions with it since 2027-02-01, "
        f"and updates them until 2027-03-03 only. {page}"
    )
    assert [one for one in found.notes if "python3.8" in one] == [note] * is_note
    assert [str(one) for one in found.problems] == [problem] * is_problem


def test_what_cfn_lint_finds_is_shown_at_the_line_of_the_property(project):
    too_small = (("MemorySize: 512", "MemorySize: 64"), ("Timeout: 60 ", "Tracing: Ful"))
    replace(project, "lambda_functions/work.py", *too_small)
    assert problems(project) == [
        "lambda_functions/work.py:2: MemorySize: 64 is less than the minimum of 128 (cfn-lint E3034)",
        "lambda_functions/work.py:3: TracingConfig/Mode: 'Ful' is not one of ['Active', 'PassThrough'] "
        "(cfn-lint E3030)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "Resource: ${SourceObjects}",
            "Resource: my-bucket",
            "7: Policies/0/PolicyDocument/Statement/0/Resource: 'my-bucket' does not match ",
        ),
        (
            "${SourceObjects}",
            "!Sub ${Nowhere.Arn}/*",
            "7: Policies/0/PolicyDocument/Statement/0/Resource/Fn::Sub: 'Nowhere' is not one of ",
        ),
        (
            "Effect: Allow",
            "Effect: Alow",
            "5: Policies/0/PolicyDocument/Statement/0/Effect: 'Alow' is not one of ['Allow', 'Deny'] (cfn-lint E3510)",
        ),
    ],
)
def test_mistakes_in_policies_are_found_before_they_are_deployed(project, old, new, message):
    replace(project, "lambda_functions/work.py", (old, new))
    found = problems(project)
    assert len(found) == 1
    assert found[0].startswith(f"lambda_functions/work.py:{message}")


def test_what_sam_refuses_is_reported_with_its_file(project):
    replace(project, "lambda_functions/work.py", ("Timeout: 60", "Events: {Nightly: {Type: Shedule}}"))
    found = problems(project)
    assert [one.split(": ")[0] for one in found] == ["lambda_functions/work.py:3"]
    assert "Nightly" in found[0]
    assert found[0].endswith("(SAM)")


def test_a_name_that_cannot_be_deployed_is_reported(project):
    (project / "lambda_functions" / "work_bucket.py").write_text(WORK)
    assert problems(project) == [
        "lambda_functions/work_bucket.py: the template has WorkBucket already, for the state machines; "
        "rename the file"
    ]


def test_findings_about_the_rest_of_the_template_name_their_place(project):
    settings = Settings(log_retention_days=31)  # which no configuration can hold
    found = check.check(project, settings).problems
    assert [problem.path for problem in found] == ["the template/Resources/WorkLogGroup/Properties"]
    assert found[0].message.startswith("RetentionInDays: 31 is not one of ")


def test_missing_folders_are_reported(tmp_path):
    assert problems(tmp_path) == [
        "lambda_functions/: there is no Lambda here: expected at least one *.py",
        "state_machines/: there is no *.yaml file to deploy",
    ]


# --- State machines ---------------------------------------------------------------------------------------


def test_a_machine_that_cannot_be_read_or_rendered_is_reported_with_its_line(project):
    assert in_machine(project, ("Resource: work", "Resource: walk"), ("${WorkBucket}", "${WorkBuckets}")) == [
        "state_machines/sync.yaml:5: the state Begin calls the Lambda walk, which is not in lambda_functions/. "
        "Known: work.",
        "state_machines/sync.yaml:22: the state Each uses ${WorkBuckets}, which has no value. "
        f"Did you mean ${{WorkBucket}}? Known: {KNOWN}.",
    ]
    (project / "state_machines" / "sync.yaml").write_text("a: [\n")
    assert problems(project)[0].startswith("state_machines/sync.yaml:2: this is not YAML: ")


def test_what_statelint_finds_is_shown_at_the_line_of_the_field_beside_our_own_findings(project):
    unknown_state = ("    Next: Each\n", "    Next: Nowhere\n")
    unknown_field = ("          End: true\n", "          End: true\n          Nope: 1\n")
    assert rules_broken(project, unknown_state, unknown_field) == [
        "state_machines/sync.yaml:11: the state Begin leads to Nowhere, which is not a state: "
        "expected one of Begin, Broken, Done, Each",
        "state_machines/sync.yaml:12: the state Each is never reached: no way from StartAt leads to it",
        'state_machines/sync.yaml:36: Field "Nope" not allowed in '
        "State Machine.States.Each.ItemProcessor.States.One (statelint)",
        "state_machines/sync.yaml:49: the state Done is never reached: no way from StartAt leads to it",
        "state_machines/sync.yaml:51: the state Broken is never reached: no way from StartAt leads to it",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "    TimeoutSeconds: 90\n",
            "",
            "3: the state Begin has no TimeoutSeconds: a missing answer would be waited for up to a year",
        ),
        (
            "          TimeoutSeconds: 90\n",
            "          TimeoutSeconds: 60\n",
            "33: the state One has TimeoutSeconds: 60, but its Lambda may take 60; "
            "expected more, or the task is given up while it is still at work",
        ),
        (
            "          Retry: *retry\n",
            "",
            "30: the state One has no Retry: one throttled call would fail the run",
        ),
        (
            "[States.ALL]\n        Next: Broken",
            "[States.ALL, Other]\n        Next: Broken",
            "45: the state Each has States.ALL in entry 1 of Catch: it must stand alone, in the last entry",
        ),
        (
            "    Label: Each\n",
            "",
            "12: the state Each has no Label: "
            "AWS would make one up, and the names of its children could not be foreseen",
        ),
        (
            "    Label: Each\n",
            f"    Label: {'x' * 41}\n",
            f"14: the state Each has the Label '{'x' * 41}': expected text of 40 characters at most",
        ),
        (
            "    Label: Each\n",
            "    Label: Each one\n",
            "14: the state Each has the Label 'Each one': "
            'expected no spaces and none of ?*<>{}[]:;,\\|^~$#%&`"',
        ),
        (
            "Percentage: 5.0",
            "Percentage: 5",
            "16: the state Each has ToleratedFailurePercentage: 5: expected 0.0 to 100.0, with a decimal point",
        ),
        (
            "InputType: JSON",
            "InputType: TEXT",
            "20: the state Each has InputType: TEXT: expected one of CSV, JSON, JSONL, MANIFEST, PARQUET",
        ),
        (
            "        Prefix: map-runs\n",
            "        Prefix.$: $.prefix\n",
            "38: the state Each has a ResultWriter with computed Parameters: expected a literal bucket and prefix",
        ),
        (
            "    Catch:\n      - ErrorEquals: [States.ALL]\n        Next: Broken\n    Next: Done\n",
            "    Next: Broken\n",
            "12: the state Each has no Catch: a failure inside would end the run without a report",
        ),
        (
            "        Mode: DISTRIBUTED\n        ExecutionType: STANDARD\n",
            "        Mode: INLINE\n",
            "17: the state Each has an ItemReader, which only a Map with Mode: DISTRIBUTED may have",
        ),
    ],
)
def test_a_rule_of_our_own_is_reported_with_the_state_and_its_line(project, old, new, message):
    beside = ("(statelint)", "is never reached")  # what a change does besides
    found = [one for one in rules_broken(project, (old, new)) if not any(text in one for text in beside)]
    assert found == [f"state_machines/sync.yaml:{message}"]


def test_a_distributed_map_without_a_result_writer_is_reported(project):
    start, end = MACHINE.index("    ResultWriter:"), MACHINE.index("    Catch:")
    assert rules_broken(project, (MACHINE[start:end], "")) == [
        "state_machines/sync.yaml:12: the state Each has no ResultWriter: "
        "the results of many items would not fit into the 256 KiB of a state"
    ]


def test_the_values_that_machines_may_use_are_those_of_a_deployment():
    """What `checks` puts in must be what `machines` puts in, or a check would pass what a deployment refuses."""
    for machine in states_language.read_all(PROJECT / "state_machines"):
        names = [path.stem for path in (PROJECT / "lambda_functions").glob("*.py")]
        assert definitions.render(machine, dict.fromkeys(names, "arn"), VALUES)


# --- Whatever a person writes -----------------------------------------------------------------------------

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 200)
    | st.sampled_from(["", "work", "Each", "$.a", "${X}", "States.ALL"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["Next", "Type", "States"]), inner)
    ),
    max_leaves=4,
)


def everything_under(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield from everything_under(child, (*place, name))


def with_another(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    changed = copy.copy(value)
    changed[place[0]] = with_another(value[place[0]], place[1:], other)
    return changed


@given(st.data())
def test_no_machine_however_odd_breaks_the_checks(data):
    whole = states_language.read(GOOD / "state_machines" / "sync.yaml")
    place = data.draw(st.sampled_from(sorted(everything_under(whole.definition), key=repr)))
    odd = with_another(whole.definition, place, data.draw(JUNK))
    machine = replace_fields(whole, definition=odd if isinstance(odd, dict) else {"States": odd})
    found = statelint.problems(machine, {"work": 60}, VALUES)
    for problem in found + statelint.notes(machine, {"work": 60}, VALUES, [machine]):
        assert problem.path == "state_machines/sync.yaml"
        assert problem.message


def test_a_function_that_nobody_calls_is_a_note_and_no_problem(project):
    (project / "lambda_functions" / "spare.py").write_text(WORK)
    found = check.check(project, Settings(source_buckets=("abc",)))
    assert (found.problems, found.notes) == ((), ("lambda_functions/spare.py: no state machine calls it.",))


def imports_of(
    tree: ast.Module, name: str = "work.py", folder: Path = GOOD / "lambda_functions"
) -> list[Any]:
    """The mistakes among the imports of a source, as one of this name in this folder would have them."""
    return list(python_source.import_mistakes(tree, folder / name, folder))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import requests\n", "requests is not available on AWS: expected boto3 or the standard library"),
        ("from yaml import load\n", "yaml is not available on AWS: expected boto3 or the standard library"),
        (
            "from lambda_functions import other\n",
            "lambda_functions.other is not in the zip of this Lambda: "
            "expected a module of lambda_functions/shared/",
        ),
        (
            "import lambda_functions.shared.answrs\n",
            "there is no module lambda_functions.shared.answrs. "
            "Did you mean lambda_functions.shared.answers?",
        ),
        (
            "from lambda_functions.shared import nothing\n",
            "there is no module lambda_functions.shared.nothing",
        ),
        (
            "from . import other\n",
            "lambda_functions.other is not in the zip of this Lambda: "
            "expected a module of lambda_functions/shared/",
        ),
        (
            "from .shared import answrs\n",
            "there is no module lambda_functions.shared.answrs. "
            "Did you mean lambda_functions.shared.answers?",
        ),
    ],
)
def test_an_import_that_fails_on_aws_is_found(text, message):
    tree, mistake = python_source.parse(text)
    assert tree and mistake is None
    assert imports_of(tree) == [(1, message)]


@pytest.mark.parametrize(
    "text",
    [
        "import os.path, json\n",
        "import boto3, botocore.config\n",
        "from __future__ import annotations\n",
        "from lambda_functions.shared import answers\n",
        "from lambda_functions.shared.answers import same\n",
        "from lambda_functions import shared\n",
        "from . import shared\n",
        "try:\n    import orjson\nexcept ImportError:\n    pass\n",
        "def f():\n    import requests\n",
    ],
)
def test_an_import_that_works_on_aws_is_left_alone(text):
    tree, _ = python_source.parse(text)
    assert tree and imports_of(tree) == []


@pytest.fixture
def wings(tmp_path):
    """Lambdas whose `shared/` has folders: `s3/` of modules only, `words/` with an `__init__.py`."""
    shared = tmp_path / "lambda_functions" / "shared"
    for name, text in {
        "s3/clients.py": "",
        "s3/deep/pages.py": "",
        "words/__init__.py": "from json import dumps as written\nGREETING: str = 'hello'\nclass Word: ...\n",
        "words/greetings.py": "",
    }.items():
        (shared / name).parent.mkdir(parents=True, exist_ok=True)
        (shared / name).write_text(text)
    return tmp_path / "lambda_functions"


@pytest.mark.parametrize(
    ("text", "missing", "hint"),
    [
        ("from lambda_functions.shared.s3 import clinets\n", "s3.clinets", "s3.clients"),
        ("from lambda_functions.shared.s3.clinets import connect\n", "s3.clinets", "s3.clients"),
        ("import lambda_functions.shared.s3.deep.page\n", "s3.deep.page", "s3.deep.pages"),
        ("from lambda_functions.shared.s3.deep import pages, page\n", "s3.deep.page", "s3.deep.pages"),
        ("from lambda_functions.shared.s4 import clients\n", "s4", ""),
        ("import lambda_functions.shared.s4.clients\n", "s4.clients", ""),
        ("from lambda_functions.shared import word\n", "word", "words"),
        ("from lambda_functions.shared.words import GREETNG\n", "words.GREETNG", ""),
        ("from .clinets import connect\n", "s3.clinets", "s3.clients"),
        ("from . import clinets\n", "s3.clinets", "s3.clients"),
        ("from ..words import greeting\n", "words.greeting", "words.greetings"),
    ],
)
def test_a_missing_module_is_found_however_deep_it_would_be(wings, text, missing, hint):
    shared = "lambda_functions.shared"
    found = imports_of(ast.parse(text), "shared/s3/list_page.py", wings)
    question = f". Did you mean {shared}.{hint}?" if hint else ""
    assert found == [(1, f"there is no module {shared}.{missing}{question}")]


@pytest.mark.parametrize(
    "text",
    [
        "from lambda_functions.shared.s3 import clients, deep\n",
        "from lambda_functions.shared.s3.deep.pages import anything\n",
        "from lambda_functions.shared.words import GREETING, Word, written, greetings\n",
        "from . import clients\nfrom .deep import pages\nfrom ..words import greetings\nfrom ... import shared\n",
    ],
)
def test_modules_and_names_of_packages_are_left_alone(wings, text):
    assert imports_of(ast.parse(text), "shared/s3/list_page.py", wings) == []


@pytest.mark.parametrize("text", ["from json import *\n", "def __getattr__(name): ...\n"])
def test_a_package_that_may_define_anything_is_believed(wings, text):
    (wings / "shared" / "words" / "__init__.py").write_text(text)
    assert imports_of(ast.parse("from lambda_functions.shared.words import x\n"), "work.py", wings) == []


@pytest.mark.parametrize(
    ("arguments", "is_right"),
    [
        ("event, context", True),
        ("event, _", True),
        ("event, context=None", True),
        ("event, context, clock=None, *, sleep=None", True),
        ("*arguments", True),
        ("event, /, context", True),
        ("", False),
        ("event", False),
        ("event, context, clock", False),
        ("event, context, *, clock", False),
        ("event, **options", False),
    ],
)
def test_a_handler_must_take_what_lambda_gives_it(arguments, is_right):
    tree, _ = python_source.parse(f"def handler({arguments}): ...")
    assert tree
    assert (list(python_source.handler_mistakes(tree)) == []) == is_right


def test_a_null_character_is_no_python():
    assert python_source.parse("x = 1\0")[1] is not None


def test_a_sync_that_no_alarm_can_watch_is_noted(project):
    weekly = Sync("weekly", {"source": "a", "destination": "b"}, "rate(7 days)")
    said = "The sync weekly runs once in 7 days"
    for notify, is_noted in ((("ops@example.com",), True), ((), False)):
        found = check.check(project, Settings(syncs=(weekly,), notify=notify))
        assert any(note.startswith(said) for note in found.notes) == is_noted
        assert found.problems == ()


def test_syncs_that_may_undo_each_other_are_noted(project):
    there = Sync("there", {"source": "a", "destination": "b", "name": "there"}, "rate(1 day)")
    back = Sync("back", {"source": "b", "destination": "a", "name": "back"})
    found = check.check(project, Settings(syncs=(there, back)))
    assert [note[:46] for note in found.notes if "SYNCS" in note] == [
        "SYNCS['back']: it and SYNCS['there'] make a ci"
    ]
    assert found.problems == ()
