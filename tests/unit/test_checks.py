"""The offline checks: what they find, where they say it is, and that our own project passes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment import checks, definitions, machine_checks, rendering
from deployment.machine_checks import STATELINT_EXEMPTIONS
from deployment.settings import Settings

PROJECT = Path(__file__).parents[2]

WORK = """\
# ---
# MemorySize: 512   # MB
# Timeout: 60       # seconds
# Policies:
#   - Effect: Allow
#     Action: s3:GetObject
#     Resource: ${SourceObjects}
# ---
def handler(event, context):
    return event
"""

MACHINE = """\
StartAt: Begin
States:
  Begin:
    Type: Task
    Resource: work
    TimeoutSeconds: 90
    Retry: &retry
      - ErrorEquals: [Lambda.TooManyRequestsException]
        MaxAttempts: 1000
      - ErrorEquals: [States.ALL]
    Next: Each
  Each:
    Type: Map
    Label: Each
    MaxConcurrency: ${MaxConcurrency}
    ToleratedFailurePercentage: 5.0
    ItemReader:
      Resource: arn:${Partition}:states:::s3:getObject
      ReaderConfig:
        InputType: JSON
      Parameters:
        Bucket: ${WorkBucket}
        Key.$: $.index
    ItemProcessor:
      ProcessorConfig:
        Mode: DISTRIBUTED
        ExecutionType: STANDARD
      StartAt: One
      States:
        One:
          Type: Task
          Resource: work
          TimeoutSeconds: 90
          Retry: *retry
          End: true
    ResultWriter:
      Resource: arn:${Partition}:states:::s3:putObject
      Parameters:
        Bucket: ${WorkBucket}
        Prefix: map-runs
      WriterConfig:
        Transformation: NONE
        OutputType: JSON
    Catch:
      - ErrorEquals: [States.ALL]
        Next: Broken
    Next: Done
  Done:
    Type: Succeed
  Broken:
    Type: Fail
    Error: Broken
"""

VALUES = {"WorkBucket": "work", "Partition": "aws", "MaxConcurrency": 40, "MaxDelete": None}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lambda_functions").mkdir()
    (tmp_path / "state_machines").mkdir()
    (tmp_path / "lambda_functions" / "work.py").write_text(WORK)
    (tmp_path / "state_machines" / "sync.yaml").write_text(MACHINE)
    return tmp_path


def problems(project: Path) -> list[str]:
    return [str(problem) for problem in checks.problems(project, Settings())]


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
    machine = definitions.read(project / "state_machines" / "sync.yaml")
    rendered = rendering.render(
        machine, {"work": "arn:aws:lambda:us-east-1:123456789012:function:w:1"}, VALUES
    )
    return [str(problem) for problem in machine_checks.problems(machine, rendered, {"work": 60})]


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
    assert checks.problems(PROJECT, settings) == []


def test_the_project_of_these_tests_has_none_to_begin_with(project):
    assert problems(project) == []


def test_every_exemption_from_statelint_is_needed(project, monkeypatch):
    monkeypatch.setattr("deployment.machine_checks.STATELINT_EXEMPTIONS", ())
    found = [problem.removesuffix(" (statelint)").split(": ", 1)[1] for problem in problems(project)]
    for exemption in STATELINT_EXEMPTIONS:
        assert any(exemption.fullmatch(message) for message in found), exemption.pattern
    assert len(found) == len(STATELINT_EXEMPTIONS)


# --- Functions and the template ---------------------------------------------------------------------------


def test_mistakes_of_the_front_matter_and_of_the_machines_are_reported_together(project):
    replace(project, "lambda_functions/work.py", ("Timeout: 60", "Timeout: ten"))
    assert in_machine(project, ("    TimeoutSeconds: 90\n", "")) == [
        "lambda_functions/work.py:3: Timeout is 'ten': expected a whole number",
        "state_machines/sync.yaml:3: the state Begin has no TimeoutSeconds: "
        "an answer that never comes would be waited for until the year is over",
    ]


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
            "Policies/0/PolicyDocument/Statement/0/Resource: 'my-bucket' does not match ",
        ),
        (
            "${SourceObjects}",
            "!Sub ${Nowhere.Arn}/*",
            "Policies/0/PolicyDocument/Statement/0/Resource/Fn::Sub: 'Nowhere' is not one of ",
        ),
        (
            "Effect: Allow",
            "Effect: Alow",
            "Policies/0/PolicyDocument/Statement/0/Effect: 'Alow' is not one of ['Allow', 'Deny'] (cfn-lint E3510)",
        ),
    ],
)
def test_mistakes_in_policies_are_found_before_they_are_deployed(project, old, new, message):
    replace(project, "lambda_functions/work.py", (old, new))
    found = problems(project)
    assert len(found) == 1
    assert found[0].startswith(f"lambda_functions/work.py:4: {message}")


def test_what_sam_refuses_is_reported_with_its_file(project):
    replace(project, "lambda_functions/work.py", ("Timeout: 60", "Events: {Nightly: {Type: Shedule}}"))
    found = problems(project)
    assert [one.split(": ")[0] for one in found] == ["lambda_functions/work.py"]
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
    found = checks.problems(project, settings)
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
        "state_machines/sync.yaml:3: the state Begin calls the Lambda walk, which is not in lambda_functions/. "
        "Known: work.",
        "state_machines/sync.yaml:12: the state Each uses ${WorkBuckets}, which has no value. "
        "Did you mean ${WorkBucket}? Known: ${MaxConcurrency}, ${MaxDelete}, ${Partition}, ${WorkBucket}.",
    ]
    (project / "state_machines" / "sync.yaml").write_text("a: [\n")
    assert problems(project)[0].startswith("state_machines/sync.yaml:2: this is not YAML: ")


def test_what_statelint_finds_is_shown_at_the_line_of_its_state(project):
    unknown_state = ("    Next: Each\n", "    Next: Nowhere\n")
    unknown_field = ("          End: true\n", "          End: true\n          Nope: 1\n")
    assert rules_broken(project, unknown_state, unknown_field) == [
        'state_machines/sync.yaml:30: Field "Nope" not allowed in '
        "State Machine.States.Each.ItemProcessor.States.One (statelint)",
        'state_machines/sync.yaml:3: No state found named "Nowhere", '
        "referenced at State Machine.States.Begin.Next (statelint)",
        "state_machines/sync.yaml:12: No transition found to state State Machine.Each (statelint)",
        "state_machines/sync.yaml:49: No transition found to state State Machine.Done (statelint)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "    TimeoutSeconds: 90\n",
            "",
            "3: the state Begin has no TimeoutSeconds: "
            "an answer that never comes would be waited for until the year is over",
        ),
        (
            "          TimeoutSeconds: 90\n",
            "          TimeoutSeconds: 60\n",
            "30: the state One has TimeoutSeconds: 60, but its Lambda may take 60; "
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
            "12: the state Each has States.ALL in entry 1 of Catch: it must stand alone, in the last entry",
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
            f"12: the state Each has the Label '{'x' * 41}': expected text of 40 characters at most",
        ),
        (
            "    Label: Each\n",
            "    Label: Each one\n",
            "12: the state Each has the Label 'Each one': "
            'expected no spaces and none of ?*<>{}[]:;,\\|^~$#%&`"',
        ),
        (
            "Percentage: 5.0",
            "Percentage: 5",
            "12: the state Each has ToleratedFailurePercentage: 5: expected 0.0 to 100.0, with a decimal point",
        ),
        (
            "InputType: JSON",
            "InputType: TEXT",
            "12: the state Each has InputType: TEXT: expected one of CSV, JSON, JSONL, MANIFEST, PARQUET",
        ),
        (
            "        Prefix: map-runs\n",
            "        Prefix.$: $.prefix\n",
            "12: the state Each has a ResultWriter with computed Parameters: expected a literal bucket and prefix",
        ),
        (
            "    Catch:\n      - ErrorEquals: [States.ALL]\n        Next: Broken\n    Next: Done\n",
            "    Next: Done\n",
            "12: the state Each has no Catch: a failure inside would end the run without a report",
        ),
        (
            "        Mode: DISTRIBUTED\n        ExecutionType: STANDARD\n",
            "        Mode: INLINE\n",
            "12: the state Each has an ItemReader, which only a Map with Mode: DISTRIBUTED may have",
        ),
    ],
)
def test_a_rule_of_our_own_is_reported_with_the_state_and_its_line(project, old, new, message):
    found = [problem for problem in rules_broken(project, (old, new)) if "(statelint)" not in problem]
    assert found == [f"state_machines/sync.yaml:{message}"]


def test_a_distributed_map_without_a_result_writer_is_reported(project):
    start, end = MACHINE.index("    ResultWriter:"), MACHINE.index("    Catch:")
    assert rules_broken(project, (MACHINE[start:end], "")) == [
        "state_machines/sync.yaml:12: the state Each has no ResultWriter: "
        "the results of many items would not fit into the 256 KiB of a state"
    ]


def test_the_values_that_machines_may_use_are_those_of_a_deployment():
    """What `checks` puts in must be what `machines` puts in, or a check would pass what a deployment refuses."""
    for machine in definitions.read_all(PROJECT / "state_machines"):
        names = [path.stem for path in (PROJECT / "lambda_functions").glob("*.py")]
        assert rendering.render(machine, dict.fromkeys(names, "arn"), VALUES)
