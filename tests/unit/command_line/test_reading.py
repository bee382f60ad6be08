"""What becomes of a command line before Invoke parses it: of the real tasks, and of every flag that Invoke and Fabric have."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from fabric.main import make_program
from invoke.collection import Collection

import fabfile
from deployment.command_line.core_flags import VERDICTS, Meaning
from deployment.command_line.grammar import Flag, Grammar
from deployment.command_line.program import CommandLine, grammar_of
from deployment.command_line.reading import rewrite
from deployment.command_line.words import INSTEAD_OF_A_DRY_RUN, WORDS
from deployment.errors import ConfigurationError


def loaded_program() -> Any:
    """Fabric's program with our tasks, as it is when it is about to parse them."""
    program = make_program()
    program.__class__ = type("Loaded", (CommandLine, type(program)), {})
    program.create_config()
    program.collection = copy.deepcopy(Collection.from_module(fabfile))
    return program


GRAMMAR: Grammar = grammar_of(loaded_program())
CORE: dict[str, Flag] = {typed: flag for typed, flag in GRAMMAR.core.items() if typed.startswith("--")}
SHORT = {flag.name: typed for typed, flag in GRAMMAR.core.items() if not typed.startswith("--")}


def refusal(line: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        rewrite(line.split(), GRAMMAR)
    return str(caught.value).partition("\n")[0]


# Core flags


def test_every_flag_of_the_installed_invoke_and_fabric_has_a_verdict_and_no_other() -> None:
    assert sorted(flag.name for flag in CORE.values()) == sorted(VERDICTS)
    assert all(verdict.instead for verdict in VERDICTS.values() if verdict.meaning is Meaning.REFUSED)


def test_a_flag_that_a_newer_invoke_adds_is_refused_until_it_has_a_verdict() -> None:
    newer = Grammar(GRAMMAR.tasks, {**GRAMMAR.core, "--simulate": Flag("simulate")}, WORDS, "deploy")

    with pytest.raises(ConfigurationError, match="Nothing was done: --simulate is refused"):
        rewrite(["sync", "abc", "abd", "--simulate"], newer)


@pytest.mark.parametrize("name", [name for name in VERDICTS if VERDICTS[name].meaning is Meaning.REFUSED])
@pytest.mark.parametrize(
    "line", ["{} delete --yes", "delete --yes {}", "sync abc abd {}", "status delete {}", "{}"]
)
def test_what_nobody_honours_is_refused_wherever_it_stands_and_however_it_is_written(
    name: str, line: str
) -> None:
    has_value = CORE[f"--{name}"].takes_value
    forms = [f"--{name}=7" if has_value else f"--{name}"]
    if name in SHORT:
        forms += (
            [f"{SHORT[name]}7", f"{SHORT[name]}=7"]
            if has_value
            else [SHORT[name], SHORT[name] + SHORT[name][1]]
        )
    for form in forms:
        sentence = refusal(line.format(form))
        assert sentence.startswith("Nothing was done: -") and " is refused, because it " in sentence, form


@pytest.mark.parametrize("dry", ["--dry", "-R", "-RR"])
@pytest.mark.parametrize("line", ["{} {}", "{1} {0}", "{1} {1} {0}", "status {1} {0}", "{1} {0} status"])
@pytest.mark.parametrize("task", [name for name, flags in GRAMMAR.tasks.items() if "--dry-run" not in flags])
def test_dry_is_refused_for_a_task_that_cannot_be_dry(task: str, line: str, dry: str) -> None:
    said = refusal(line.format(dry, task))
    is_taken_for_a_word = task in GRAMMAR.words and " or the task `fab " in said
    assert " has no dry run, so " in said or is_taken_for_a_word
    assert said.startswith("Nothing was done: ")


@pytest.mark.parametrize("line", ["--dry", "-R", "-dR", "-Rd", "--debug --dry", "--dry-run", "--dryrun"])
def test_dry_without_a_task_does_not_deploy(line: str) -> None:
    assert refusal(line).endswith("`fab plan` shows what it would do.")


@pytest.mark.parametrize(
    "line",
    [
        "sync abc abd --dry",
        "--dry sync abc abd",
        "-R sync abc abd",
        "sync -R abc abd",
        "sync abc abd --dry --dry-run",
    ],
)
def test_dry_of_a_sync_is_its_dry_run(line: str) -> None:
    assert sorted(rewrite(line.split(), GRAMMAR)) == [
        "--destination=abd",
        "--dry-run",
        "--source=abc",
        "sync",
    ]


def test_dry_is_for_all_of_a_command_line() -> None:
    assert rewrite(["prune", "--yes", "sync", "abc", "abd", "--dry"], GRAMMAR) == [
        "prune", "--yes", "--dry-run", "sync", "--source=abc", "--destination=abd", "--dry-run",
    ]  # fmt: skip
    assert "`fab delete` has no dry run" in refusal("sync abc abd --dry delete --yes")
    assert "`fab delete` has no dry run" in refusal("delete --yes sync abc abd --dry")


@pytest.mark.parametrize(
    "line", ["delete --yes --dry=yes", "sync abc abd --dry=no", "--dry=true sync abc abd"]
)
def test_dry_with_a_value_is_not_guessed_at(line: str) -> None:
    assert "--dry takes no value" in refusal(line)


@pytest.mark.parametrize(
    "flag", ["--dr", "--dri", "--Dry", "--dry_run", "--dry-runs", "-n", "-x", "-Rx", "-xR"]
)
@pytest.mark.parametrize("line", ["delete --yes {}", "{} delete --yes", "{}"])
def test_a_part_of_a_flag_or_a_misspelt_one_is_no_flag(flag: str, line: str) -> None:
    assert refusal(line.format(flag))


@pytest.mark.parametrize(
    "line", ["delete --yes --version", "delete -V --yes", "--version", "sync --source a -V"]
)
def test_to_ask_for_the_version_runs_nothing(line: str) -> None:
    assert rewrite(line.split(), GRAMMAR) in (["--version"], ["-V"])


@pytest.mark.parametrize(
    "line, seen",
    [
        ("delete --yes --help", ["--help=delete"]),
        ("delete -h --yes", ["-h=delete"]),
        ("-h delete", ["-h=delete"]),
        ("help", ["--help"]),
        ("help delete", ["--help=delete"]),
        ("status --list", ["--list"]),
        ("--list", ["--list"]),
        ("-l -F json", ["-F=json", "-l"]),
        ("-c fabfile status", ["-c=fabfile", "status"]),
        ("--debug status", ["--debug", "status"]),
        ("status --no-dedupe status", ["--no-dedupe", "status", "status"]),
    ],
)
def test_what_only_answers_runs_no_task_and_what_is_honoured_stays(line: str, seen: list[str]) -> None:
    assert rewrite(line.split(), GRAMMAR) == seen


@pytest.mark.parametrize(
    "name", [name for name in VERDICTS if VERDICTS[name].meaning is Meaning.BEFORE_TASKS]
)
def test_what_invoke_only_reads_before_the_tasks_is_refused_behind_one(name: str) -> None:
    value = "=other" if CORE[f"--{name}"].takes_value else ""
    assert f"--{name} is read before the tasks only" in refusal(f"delete --yes --{name}{value}")


def test_what_a_shell_asks_for_to_complete_a_line_is_left_alone() -> None:
    tokens = ["--complete", "--", "fab", "sync", "--d"]
    assert rewrite(tokens, GRAMMAR) == tokens


def test_a_line_that_only_mentions_completion_is_read_like_any_other() -> None:
    assert "--keep needs a value" in refusal("prune --keep --complete --dry --yes")
    assert rewrite(["delete", "--yes", "--complete"], GRAMMAR) == ["--complete"]


def test_nothing_stands_behind_a_double_dash() -> None:
    assert "there is nothing to write behind --" in refusal("delete --yes -- --dry")


# Words


@pytest.mark.parametrize(
    "line, seen",
    [
        ("sync abc abd", ["sync", "--source=abc", "--destination=abd"]),
        ("sync --source abc abd", ["sync", "--source=abc", "--destination=abd"]),
        ("sync --destination abd abc", ["sync", "--destination=abd", "--source=abc"]),
        ("follow", ["follow"]),
        ("report fab-1 --json", ["report", "--name=fab-1", "--json"]),
        ("report --failures - fab-1", ["report", "--failures=-", "--name=fab-1"]),
        ("sync abc --dry-run abd", ["sync", "--source=abc", "--dry-run", "--destination=abd"]),
        ("sync abc abd status", ["sync", "--source=abc", "--destination=abd", "status"]),
        (
            "sync --source abc --destination abd status",
            ["sync", "--source=abc", "--destination=abd", "status"],
        ),
        ("check plan", ["check", "plan"]),
        ("", []),
    ],
)
def test_words_become_the_flags_that_they_stand_for(line: str, seen: list[str]) -> None:
    assert rewrite(line.split(), GRAMMAR) == seen


@pytest.mark.parametrize("task", WORDS)
def test_every_word_is_a_flag_of_its_task(task: str) -> None:
    assert {f"--{word}" for word in WORDS[task]} <= set(GRAMMAR.tasks[task])


def test_every_advice_about_a_dry_run_is_for_a_task_that_has_none() -> None:
    assert set(INSTEAD_OF_A_DRY_RUN) <= {
        name for name, flags in GRAMMAR.tasks.items() if "--dry-run" not in flags
    }


@pytest.mark.parametrize(
    "line, sentence",
    [
        ("sync abc abd abe", "'abe' is one word too many for `fab sync`."),
        (
            "sync delete abd",
            "Nothing was done: delete may be the source of `fab sync` or the task `fab delete`. Write --source=delete, or each "
            "task in a command of its own.",
        ),
        ("sync abc --source abd", "--source is given twice; expected one."),
        ("sync abc abd --prefix", "--prefix needs a value."),
        (
            "sync abc abd --prefix --dry",
            "--prefix needs a value, and --dry behind it looks like a flag; if it is the value, write --prefix=--dry.",
        ),
        ("sync abc abd --json=yes", "--json takes no value, and got 'yes'. Write --json."),
        ("sync abc abd --json=no", "--json takes no value, and got 'no'. Write --json, or leave it out."),
        ("sync abc abd --wait=false", "--wait takes no value, and got 'false'. Write --no-wait."),
        ("sync abc abd --no-delete=False", "--no-delete takes no value, and got 'False'. Write --delete."),
        ("synk abc abd", "There is no task 'synk'. Did you mean `fab sync`?"),
        ("Sync abc abd", "There is no task 'Sync'. Did you mean `fab sync`?"),
        ("hlep", "There is no task 'hlep'. Did you mean `fab help`?"),
        ("zzz", "There is no task 'zzz'."),
        ("status zzz", "'zzz' is no task, and `fab status` takes no word without a flag."),
        (
            "status plna",
            "'plna' is no task, and `fab status` takes no word without a flag. Did you mean `fab plan`?",
        ),
        (
            "rollback m-20261128-120455",
            "'m-20261128-120455' is no task, and `fab rollback` takes no word without a flag. "
            "Write `fab rollback --to m-20261128-120455`.",
        ),
        ("sync --dest abc", "`fab sync` has no flag --dest. Did you mean --destination?"),
        ("sync --max_delete 5", "`fab sync` has no flag --max_delete. Did you mean --max-delete?"),
        ("sync --dryrun abc abd", "`fab sync` has no flag --dryrun. Did you mean --dry-run?"),
        ("status --jsno", "`fab status` has no flag --jsno. Did you mean --json?"),
        ("status --quiet-please", "`fab status` has no flag --quiet-please."),
        (
            "--ask",
            "There is no flag --ask without a task. Write it behind a task: `fab deploy --ask` or `fab sync --ask`.",
        ),
        (
            "--json status",
            "There is no flag --json without a task. Write it behind a task: `fab status --json`.",
        ),
        ("--jsno status", "There is no flag --jsno without a task. Did you mean --json?"),
        ("prune -y", "`fab prune` has no flag -y. Did you mean --yes?"),
        ("sync abc abd -n", "`fab sync` has no flag -n."),
        (
            "logs -f",
            "Nothing was done: -f is refused, because it names a configuration of Fabric. The settings of SyncBuckets are in "
            "fabfile_config.py. Leave -f out. `fab logs` has --filter, --follow, --function.",
        ),
        ("--halp", "There is no flag --halp without a task. Did you mean --help?"),
    ],
)
def test_a_mistake_gets_one_sentence_with_the_nearest_name(line: str, sentence: str) -> None:
    assert refusal(line) == sentence


def test_a_mistake_ends_with_one_line_of_usage_and_the_status_2() -> None:
    for line, usage in [
        ("synk", "Usage: fab [TASK] [FLAGS]. `fab help` lists the tasks."),
        ("report --dest", "Usage: fab report [NAME] [FLAGS]. `fab help report` explains the flags."),
        ("follow a b", "Usage: fab follow [NAME] [FLAGS]. `fab help follow` explains the flags."),
        (
            "sync --dest",
            "Usage: fab sync SOURCE DESTINATION [FLAGS] or fab sync NAME [FLAGS]. `fab help sync` explains the flags.",
        ),
    ]:
        with pytest.raises(ConfigurationError) as caught:
            rewrite(line.split(), GRAMMAR)
        assert (str(caught.value).split("\n")[1:], caught.value.exit_code) == ([usage], 2)


def test_a_value_may_look_like_anything_behind_an_equals_sign_and_flags_may_be_repeated_where_they_are_lists() -> (
    None
):
    tokens = ["sync", "", "abd", "--prefix=-R=x", "--include", "*.a", "--include=", "--input", "-"]
    assert rewrite(tokens, GRAMMAR) == [
        "sync", "--source=", "--destination=abd", "--prefix=-R=x", "--include=*.a", "--include=", "--input=-",
    ]  # fmt: skip
