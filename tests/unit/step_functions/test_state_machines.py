"""Reading the YAML of state machines, and rendering it.

What is created in an account: functional/deployment/test_state_machines_on_moto.py.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from deployment.build import definitions
from deployment.errors import StateMachineError
from deployment.project import states_language
from deployment.project.states_language import MachineSpec, states
from deployment.step_functions import state_machines

VERSIONS = {"copy_keys": "arn:aws:lambda:eu-west-1:1:function:copy-keys:3", "list_ranges": "arn:list:1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "state_machines"
    path.mkdir()
    return path


def read(folder: Path, text: str, name: str = "sync_it.yaml") -> MachineSpec:
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return states_language.read(path)


def problem(folder: Path, text: str) -> str:
    with pytest.raises(StateMachineError) as caught:
        read(folder, text)
    return str(caught.value)


def spec(definition: dict[str, Any], **lines: int) -> MachineSpec:
    return MachineSpec("sync-it", Path("/project/state_machines/sync_it.yaml"), definition, lines)


def render(definition: dict[str, Any], **values: Any) -> dict[str, Any]:
    return definitions.render(spec(definition), VERSIONS, values)


def test_a_machine_is_named_after_its_file_with_dashes(folder: Path) -> None:
    found = read(folder, "StartAt: Begin\nStates: {Begin: {Type: Succeed}}\n")

    assert (found.name, found.where) == ("sync-it", "state_machines/sync_it.yaml")
    assert found.definition == {"StartAt": "Begin", "States": {"Begin": {"Type": "Succeed"}}}


def test_the_line_of_every_state_is_known_at_every_depth(folder: Path) -> None:
    found = read(
        folder,
        """\
        StartAt: Outer
        States:
          Outer:
            Type: Map
            ItemProcessor:
              States:
                Inner: {Type: Succeed}
          Both:
            Type: Parallel
            Branches:
              - States:
                  Left: {Type: Succeed}
        """,
    )

    assert found.state_lines == {"Outer": 3, "Both": 8, "Inner": 7, "Left": 12}
    assert [state.name for state in states(found.definition)] == ["Outer", "Both", "Inner", "Left"]


def test_only_json_has_types_so_yes_and_dates_and_octals_stay_text(folder: Path) -> None:
    found = read(
        folder,
        """\
        States:
          Yes: {Next: No, Date: 2012-10-17, Time: 2026-01-01T00:00:00Z, Mode: 0755, Clock: 10:30, Tilde: ~}
        Numbers: [1, -2, 0.5, 1e3, true, false, null]
        """,
    )

    assert found.definition == {
        "States": {
            "Yes": {
                "Next": "No",
                "Date": "2012-10-17",
                "Time": "2026-01-01T00:00:00Z",
                "Mode": "0755",
                "Clock": "10:30",
                "Tilde": None,
            }
        },
        "Numbers": [1, -2, 0.5, 1000.0, True, False, None],
    }


def test_anchors_aliases_and_merge_keys_work(folder: Path) -> None:
    found = read(
        folder,
        """\
        Retries: &retries
          - {ErrorEquals: [States.ALL]}
        Base: &base {Type: Task, TimeoutSeconds: 60}
        Again: &again {<<: *base, TimeoutSeconds: 70}
        States:
          One: {<<: *base, Retry: *retries}
          Two: {<<: *again, Type: Pass}
        """,
    )

    assert found.definition["States"] == {
        "One": {"Type": "Task", "TimeoutSeconds": 60, "Retry": [{"ErrorEquals": ["States.ALL"]}]},
        "Two": {"Type": "Pass", "TimeoutSeconds": 70},
    }


def test_a_byte_order_mark_does_no_harm(folder: Path) -> None:
    path = folder / "sync_it.yaml"
    path.write_bytes(b"\xef\xbb\xbfStartAt: Begin\n")

    assert states_language.read(path).definition == {"StartAt": "Begin"}


def test_every_repeated_key_is_refused_with_both_lines(folder: Path) -> None:
    text = """\
        StartAt: Begin
        States:
          Begin: {Type: Pass}
          Other:
            Type: Pass
            Type: Task
          Begin: {Type: Succeed}
        """

    assert problem(folder, text) == (
        "state_machines/sync_it.yaml:7: Begin appears twice, first on line 3\n"
        "state_machines/sync_it.yaml:6: Type appears twice, first on line 5"
    )


def test_a_repeated_key_that_is_used_by_two_aliases_is_reported_once(folder: Path) -> None:
    text = """\
        Base: &base
          A: 1
          A: 2
        Uses: [*base, *base]
        """

    assert problem(folder, text) == "state_machines/sync_it.yaml:3: A appears twice, first on line 2"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "1: the file is empty"),
        ("# nothing\n", "1: the file is empty"),
        ("- a\n", "1: a state machine begins with names such as StartAt: and States:"),
        ("A: b: c\n", "1: this is not YAML: mapping values are not allowed here"),
        (
            "A:\n\t- b\n",
            "2: this is not YAML: while scanning for the next token, "
            "found character '\\t' that cannot start any token; indent with spaces",
        ),
        (
            "A: 1\n---\nB: 2\n",
            "2: this is not YAML: expected a single document in the stream, but found another document",
        ),
        ("A: *nowhere\n", "1: this is not YAML: found undefined alias 'nowhere'"),
        ("A: &a [*a]\n", "1: this anchor contains an alias of itself"),
        ("A: !Sub x\n", "1: the tag !Sub is not known here; a placeholder is written ${WorkBucket}"),
        (
            "A: {<<: 1}\n",
            "1: this is not YAML: while constructing a mapping, "
            "expected a mapping or list of mappings for merging, but found scalar",
        ),
        ("States:\n  404: {Type: Fail}\n", "2: a name must be text; put 404 in quotes"),
        ("States:\n  true: {Type: Fail}\n", "2: a name must be text; put true in quotes"),
        ("[a, b]: c\n", "1: a name must be text"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(folder: Path, text: str, message: str) -> None:
    assert problem(folder, text) == f"state_machines/sync_it.yaml:{message}"


def test_a_file_in_another_encoding_is_told_without_a_traceback(folder: Path) -> None:
    path = folder / "sync_it.yaml"
    path.write_bytes(b"Comment: caf\xe9\n")

    with pytest.raises(StateMachineError) as caught:
        states_language.read(path)
    assert str(caught.value).startswith(
        "state_machines/sync_it.yaml:1: the byte 0xe9 is not UTF-8; save the file as UTF-8"
    )


def test_all_files_of_a_folder_are_read_in_the_order_of_their_names(folder: Path) -> None:
    for name in ("b_machine.yaml", "a_machine.yaml", "notes.txt"):
        (folder / name).write_text("StartAt: Begin\n")

    assert [found.name for found in states_language.read_all(folder)] == ["a-machine", "b-machine"]


def test_the_problems_of_all_files_are_reported_together(folder: Path) -> None:
    (folder / "a.yaml").write_text("")
    (folder / "b c.yaml").write_text("StartAt: Begin\n")
    (folder / "d.yml").write_text("StartAt: Begin\n")
    (folder / "e-f.yaml").write_text("StartAt: Begin\n")
    (folder / "e_f.yaml").write_text("StartAt: Begin\n")
    (folder / f"{'g' * 65}.yaml").write_text("StartAt: Begin\n")

    with pytest.raises(StateMachineError) as caught:
        states_language.read_all(folder)

    rule = (
        "a file name has letters, digits, - and _ only, and at most 64 characters before .yaml; this one has"
    )
    assert str(caught.value) == (
        "state_machines/a.yaml:1: the file is empty\n"
        "state_machines/d.yml: only *.yaml files are read; rename it to d.yaml, or move it away\n"
        f"state_machines/b c.yaml: {rule} 3\n"
        "state_machines/e_f.yaml: becomes the state machine e-f, as state_machines/e-f.yaml does\n"
        f"state_machines/{'g' * 65}.yaml: {rule} 65"
    )


def test_a_folder_without_state_machines_is_an_error(folder: Path) -> None:
    with pytest.raises(StateMachineError, match=r"^state_machines/: there is no \*\.yaml file to deploy$"):
        states_language.read_all(folder)


def test_a_lambda_is_called_by_its_published_version_at_every_depth() -> None:
    task = {"Type": "Task", "Resource": "copy_keys", "End": True}
    bound = {**task, "Resource": VERSIONS["copy_keys"]}

    def nested(inner: dict[str, Any]) -> dict[str, Any]:
        return {
            "StartAt": "One",
            "States": {
                "One": inner,
                "Map": {"Type": "Map", "ItemProcessor": {"States": {"Two": inner}}},
                "Old": {"Type": "Map", "Iterator": {"States": {"Three": inner}}},
                "Both": {
                    "Type": "Parallel",
                    "Branches": [
                        {"States": {"Four": inner}},
                        {"States": {"Deep": {"Type": "Map", "ItemProcessor": {"States": {"Five": inner}}}}},
                    ],
                },
            },
        }

    assert render(nested(task)) == nested(bound)


def test_a_resource_that_is_not_a_states_own_is_left_alone() -> None:
    definition = {
        "States": {
            "Pass": {"Type": "Pass", "Result": {"Type": "Task", "Resource": "copy_keys"}},
            "Task": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"Resource": "x"},
            },
            "Read": {"Type": "Map", "ItemReader": {"Resource": "arn:${Partition}:states:::s3:getObject"}},
        }
    }

    rendered = render(definition, Partition="aws-cn")

    assert rendered["States"]["Pass"] == definition["States"]["Pass"]
    assert rendered["States"]["Task"] == definition["States"]["Task"]
    assert rendered["States"]["Read"]["ItemReader"]["Resource"] == "arn:aws-cn:states:::s3:getObject"


def test_a_placeholder_alone_keeps_the_type_of_its_value_and_becomes_text_in_a_text() -> None:
    rendered = render(
        {
            "Comment": "${WorkBucket}: at most ${MaxDelete}, ${MaxConcurrency} at once",
            "States": {
                "Begin": {"Result": ["${MaxConcurrency}", "${MaxDelete}", "$.not", "$$.Execution.Name"]}
            },
        },
        WorkBucket="work",
        MaxConcurrency=40,
        MaxDelete=None,
    )

    assert rendered == {
        "Comment": "work: at most null, 40 at once",
        "States": {"Begin": {"Result": [40, None, "$.not", "$$.Execution.Name"]}},
    }


def test_values_are_not_searched_for_placeholders_again() -> None:
    assert render({"Comment": "${A}"}, A="${B}") == {"Comment": "${B}"}


def test_rendering_changes_nothing_of_what_was_read() -> None:
    definition = {"States": {"Begin": {"Type": "Task", "Resource": "copy_keys", "Bucket": "${WorkBucket}"}}}

    render(definition, WorkBucket="work")

    assert definition["States"]["Begin"] == {
        "Type": "Task",
        "Resource": "copy_keys",
        "Bucket": "${WorkBucket}",
    }


def test_unknown_lambdas_and_placeholders_are_reported_together_with_the_nearest_and_all_known_ones() -> None:
    wrong = spec(
        {
            "Comment": "${Nothing}",
            "States": {
                "Copy": {"Type": "Task", "Resource": "copy_key"},
                "Each": {
                    "Type": "Map",
                    "ItemProcessor": {
                        "States": {
                            "Inner": {
                                "Type": "Task",
                                "Resource": "zebra",
                                "Parameters": {"a": "${WorkBuket}", "b": ["${WorkBuket}"]},
                            }
                        }
                    },
                },
            },
        },
        Copy=4,
        Inner=9,
    )

    with pytest.raises(StateMachineError) as caught:
        definitions.render(wrong, VERSIONS, {"WorkBucket": "w", "MaxDelete": 1})

    assert str(caught.value) == (
        "state_machines/sync_it.yaml:4: the state Copy calls the Lambda copy_key, which is not in lambda_functions/. "
        "Did you mean copy_keys? Known: copy_keys, list_ranges.\n"
        "state_machines/sync_it.yaml:9: the state Inner calls the Lambda zebra, which is not in lambda_functions/. "
        "Known: copy_keys, list_ranges.\n"
        "state_machines/sync_it.yaml: the state machine uses ${Nothing}, which has no value. "
        "Known: ${MaxDelete}, ${WorkBucket}.\n"
        "state_machines/sync_it.yaml:9: the state Inner uses ${WorkBuket}, which has no value. "
        "Did you mean ${WorkBucket}? Known: ${MaxDelete}, ${WorkBucket}."
    )


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"States": None},
        {"States": {"A": None, "B": {"Type": "Task"}, "C": {"Type": "Task", "Resource": 7}}},
        {"States": {"A": {"ItemProcessor": "x", "Branches": "y"}, "B": {"Branches": [None]}}},
    ],
)
def test_shapes_that_make_no_sense_are_passed_on_to_whoever_judges_them(definition: dict[str, Any]) -> None:
    assert render(definition) == definition
    assert all(isinstance(state.fields, dict) for state in states(definition))


@pytest.mark.parametrize("limit, expected", [(1000, 40), (80, 40), (79, 39), (10, 5), (3, 1), (1, 1), (0, 1)])
def test_a_run_may_use_half_of_the_accounts_lambdas_but_at_least_one_and_at_most_forty(
    limit: int, expected: int
) -> None:
    answer = {"AccountLimit": {"ConcurrentExecutions": limit}}

    assert (
        state_machines.default_concurrency(SimpleNamespace(get_account_settings=lambda: answer)) == expected
    )


def test_the_fingerprint_changes_with_definition_and_role_and_not_with_the_order_of_keys() -> None:
    first = definitions.fingerprint({"a": 1, "b": 2}, "role")

    assert len(first) == 16
    assert definitions.fingerprint({"b": 2, "a": 1}, "role") == first
    assert definitions.fingerprint({"a": 1, "b": 3}, "role") != first
    assert definitions.fingerprint({"a": 1, "b": 2}, "other") != first
