"""`fab sync --plan` and `--ask`: what is shown, what is asked, and what is started after a yes."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest

from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ConfigurationError, Declined, ExecutionFailed
from deployment.step_functions import listing, runs
from deployment.step_functions.listing import Machine
from deployment.tasks.runs import sync
from deployment.tasks.runs.report_text import footer, title
from deployment.tasks.runs.sync_input import read
from deployment.text import folded
from lambda_functions.shared.work_bucket.approved_plans import retention_warnings
from tests.fake_executions import ARN, BEGAN, FOLDER, MACHINE, REPORT, FakeAws, piped

DIGEST = "5" * 64
OPTIONS = {"source": "a", "destination": "b", "prefix": "p/", "destinationPrefix": "p/"}
PLANNED = {**REPORT, "dryRun": True, "outcome": "Succeeded", "planDigest": DIGEST, "options": OPTIONS}
NOTHING = {"copy": {"objects": 0, "bytes": 0}, "delete": {"objects": 0, "bytes": 0}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """A deployed account with a dry run called monday, whose next executions end like it."""
    deployed = Machine(MACHINE, "arn:machine", False, BEGAN)
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(listing, "newest", lambda installation, base_name: deployed)
    monkeypatch.setattr(runs, "find", lambda installation, name, names: runs.Run(ARN, "SUCCEEDED", BEGAN))
    found = FakeAws()
    found.statuses = ["SUCCEEDED"] * 2
    found.end = {"output": json.dumps(PLANNED), "stopDate": BEGAN + timedelta(seconds=95)}
    found.objects[f"{FOLDER}/report.json"] = PLANNED
    return found


class Answering(Console):
    """A console at a terminal, at which somebody answers."""

    def __init__(self, answer: str) -> None:
        self.out, self.err, self.asked = io.StringIO(), io.StringIO(), list[str]()
        super().__init__(self.out, self.err)
        self._answer = answer

    @property
    def is_interactive(self) -> bool:
        return True

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return self._answer


def started(aws: FakeAws) -> list[Any]:
    return [json.loads(sent["input"]) for name, sent in aws.calls if name == "start_execution"]


def test_a_plan_is_named_by_machine_and_execution(aws: FakeAws) -> None:
    sync.sync(aws.installation(), {"plan": "mon", "maxConcurrency": 3}, piped()[0])
    assert started(aws) == [{"plan": f"{MACHINE}/monday", "maxConcurrency": 3}]


def test_a_plan_that_is_wholly_named_is_not_looked_for(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(runs, "find")
    sync.sync(aws.installation(), {"plan": "older/monday"}, piped()[0])
    assert started(aws) == [{"plan": "older/monday"}]


def test_after_a_yes_exactly_the_plan_that_was_shown_is_started(aws: FakeAws) -> None:
    console = Answering("y")
    sync.sync(aws.installation(), {**OPTIONS, "maxConcurrency": 7}, console, ask=True)
    assert started(aws) == [
        {**OPTIONS, "maxConcurrency": 7, "dryRun": True},
        {"plan": f"{MACHINE}/monday", "maxConcurrency": 7, "planDigest": DIGEST},
    ]
    assert len(console.asked) == 1
    assert "would be deleted" in console.out.getvalue().partition("To carry out exactly this plan")[0]


TOOK = {"startedAt": "2026-11-22T09:58:00Z", "endedAt": "2026-11-22T09:59:35+00:00"}


@pytest.mark.parametrize(
    ("times", "said"),
    [(TOOK, "Estimated cost: $0.0070; it took 1 min 35 s"), ({}, "Estimated cost: $0.0070")],
)
def test_a_plan_that_is_named_is_shown_with_how_long_its_dry_run_took(
    aws: FakeAws, times: dict[str, str], said: str
) -> None:
    aws.objects[f"{FOLDER}/report.json"] = {**PLANNED, **times}
    console = Answering("yes")
    sync.sync(aws.installation(), {"plan": "mon"}, console, ask=True)
    first = console.out.getvalue().partition("To carry out exactly this plan")[0]
    assert said in first.splitlines()


def test_what_was_approved_is_not_verified_and_whoever_asks_for_both_is_told_how(aws: FakeAws) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sync.sync(aws.installation(), {**OPTIONS, "verify": True}, Answering("y"), ask=True)
    assert str(caught.value) == (
        "--ask and --verify are given; expected one of them: what was approved is carried out as it was planned. "
        "`fab verify SOURCE DESTINATION` compares the buckets afterwards."
    )
    assert started(aws) == []


def test_a_plan_that_is_named_is_shown_and_asked_for(aws: FakeAws) -> None:
    console = Answering("yes")
    sync.sync(aws.installation(), {"plan": "mon"}, console, ask=True)
    assert started(aws) == [{"plan": f"{MACHINE}/monday", "planDigest": DIGEST}]
    assert console.out.getvalue().startswith("a/p/ -> b/p/ (dry run: nothing was changed)")


@pytest.mark.parametrize("given", [{"plan": "mon"}, OPTIONS])
def test_without_a_yes_nothing_is_carried_out(aws: FakeAws, given: dict[str, Any]) -> None:
    with pytest.raises(Declined, match="Nothing was synced: the answer was not y"):
        sync.sync(aws.installation(), given, Answering("n"), ask=True)
    assert [one for one in started(aws) if "plan" in one] == []


def test_where_nothing_is_to_be_done_nothing_is_asked(aws: FakeAws) -> None:
    aws.end["output"] = json.dumps({**PLANNED, "plan": NOTHING})
    console = Answering("y")
    sync.sync(aws.installation(), OPTIONS, console, ask=True)
    assert (len(started(aws)), console.asked) == (1, [])


def test_a_run_without_a_plan_is_not_asked_for(aws: FakeAws) -> None:
    aws.objects[f"{FOLDER}/report.json"] = REPORT
    with pytest.raises(ExecutionFailed, match="The run monday has left no plan that can be carried out"):
        sync.sync(aws.installation(), {"plan": "mon"}, Answering("y"), ask=True)
    assert started(aws) == []


def test_without_a_terminal_nothing_is_started(aws: FakeAws) -> None:
    with pytest.raises(Declined, match="there is no terminal to ask on"):
        sync.sync(aws.installation(), OPTIONS, piped()[0], ask=True)
    assert aws.calls == []


@pytest.mark.parametrize(
    ("given", "more", "flag"),
    [
        ({**OPTIONS, "dryRun": True}, {}, "--dry-run"),
        (OPTIONS, {"wait": False}, "--no-wait"),
        (OPTIONS, {"as_json": True}, "--json"),
    ],
)
def test_what_leaves_nothing_to_ask_is_refused(
    aws: FakeAws, given: dict[str, Any], more: dict[str, bool], flag: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^--ask and {flag} are given"):
        sync.sync(aws.installation(), given, Answering("y"), ask=True, **more)
    assert aws.calls == []


def test_a_report_says_how_to_carry_its_plan_out_and_what_was_carried_out() -> None:
    assert list(footer(PLANNED, 1))[-1] == (
        f"To carry out exactly this plan: `fab sync --plan monday --plan-digest {DIGEST}`"
    )
    assert f"`fab sync --plan monday --plan-digest {DIGEST}`" in folded(list(footer(PLANNED, 1))[-1], 80)
    applied = {**REPORT, "appliedPlan": f"{MACHINE}/monday", "planDigest": DIGEST, "options": OPTIONS}
    assert list(footer(applied, 1))[-1] == (
        f"Carried out was the plan {MACHINE}/monday, with the digest {DIGEST}"
    )
    assert title(applied, {"plan": "monday"}) == "a/p/ -> b/p/"
    cannot = {**PLANNED, "warnings": retention_warnings(16)}
    assert list(footer(cannot, 1))[-1] == f"Report: {REPORT['report']}"


@pytest.mark.parametrize("plan", [{}, NOTHING, {**NOTHING, "restore": {"objects": 0, "bytes": 0}}])
def test_a_plan_in_which_nothing_is_to_be_done_is_not_offered_to_be_carried_out(plan: dict[str, Any]) -> None:
    assert list(footer({**PLANNED, "plan": plan}, 1))[-1] == f"Report: {REPORT['report']}"


@pytest.mark.parametrize("kind", ["copy", "delete", "restore"])
def test_a_plan_of_one_object_of_any_kind_is_offered(kind: str) -> None:
    plan = {**NOTHING, kind: {"objects": 1, "bytes": 0}}
    assert list(footer({**PLANNED, "plan": plan}, 1))[-1].startswith("To carry out exactly this plan: ")


def test_before_the_question_which_fits_into_a_line_stands_what_becomes_of_what_has_changed(
    aws: FakeAws,
) -> None:
    console = Answering("n")
    with pytest.raises(Declined, match="Nothing was synced:"):
        sync.sync(aws.installation(), OPTIONS, console, ask=True)
    assert console.asked == ["Carry out this plan? [y/N]"]
    assert (
        console.err.getvalue()
        .rstrip()
        .endswith(
            "What has changed since is left as it is; if that is an object to be copied, nothing is deleted."
        )
    )


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            {"plan": "monday", "delete": False},
            "--delete cannot stand beside --plan: all options are those of the dry run, and only --plan-digest and "
            "--max-concurrency may be added.",
        ),
        ({"plan": "a b"}, '--plan is "a b"; expected the name of a dry run, or <state machine>/<name>.'),
        ({"planDigest": "5" * 64}, "--plan-digest is given without --plan."),
        ({"plan": "monday", "planDigest": "5"}, '--plan-digest is "5"; expected the 64 hexadecimal digits'),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_before_anything_is_started(typed: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(typed)
    assert str(caught.value).startswith(sentence)


def test_a_plan_needs_no_buckets() -> None:
    assert read({"plan": "monday", "maxConcurrency": 5}) == {"plan": "monday", "maxConcurrency": 5}
