"""The real `fab` in a fresh clone: what is refused, answered and left unfinished before a task begins."""

from __future__ import annotations

import ast
import os
import platform
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fabric.main import make_program
from invoke.collection import Collection
from places import PROJECT

import deployment
import fabfile
from benchmarks.deployed import copy_sources
from deployment.command_line.dryness import require_no_unheard_dry_run
from deployment.command_line.program import take_over
from deployment.errors import ConfigurationError

MISSING = "Error: fabfile_config.py is missing. Run: cp fabfile_config_template.py fabfile_config.py\n"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is in the repository, so without `fabfile_config.py`: no task can begin."""
    return copy_sources(tmp_path_factory.mktemp("clone"))


def fab(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fabric", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "line",
    [
        "--dry",
        "-eR sync abc abd",
        "delete --yes -R",
        "sync abc abd --dry delete --yes",
        "-H a,b sync abc abd",
        "delete --yes --list-agent-keys",
    ],
)
def test_what_is_not_honoured_is_refused_before_the_configuration_is_read(clone: Path, line: str) -> None:
    ended = fab(clone, *line.split())

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: Nothing was done: ") and ended.stderr.count("\n") == 2


@pytest.mark.parametrize("line", ["-R sync s3://abc/x abd/x", "prune --dry"])
def test_what_is_honoured_goes_on_to_the_configuration(clone: Path, line: str) -> None:
    ended = fab(clone, *line.split())

    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", MISSING)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal on Windows")
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "status",
            "Error: fabfile_config.py is missing. Run:\ncp fabfile_config_template.py\nfabfile_config.py\n",
        ),
        (
            "deploy --dry",
            "Error: Nothing was done: `fab deploy` has\nno dry run, so --dry is refused.\n"
            "`fab plan` shows what it would do.\n"
            "Usage: fab deploy [FLAGS].\n`fab help deploy` explains the flags.\n",
        ),
    ],
)
def test_a_terminal_gets_an_error_folded_between_words(clone: Path, line: str, shown: str) -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 42, 0, 0))
    command = [sys.executable, "-m", "fabric", *line.split()]
    ended = subprocess.run(command, cwd=clone, stdin=subprocess.DEVNULL, stderr=theirs, timeout=60)
    os.close(theirs)
    written = os.read(ours, 10_000).decode()
    os.close(ours)

    assert (ended.returncode, written.replace("\r\n", "\n")) == (2, shown)


def test_dry_from_the_environment_is_refused_too(clone: Path) -> None:
    ended = fab(clone, "delete", "--yes", FABRIC_RUN_DRY="1")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(
        "Error: Nothing was done: Fabric's own configuration says run.dry (FABRIC_RUN_DRY"
    )


def test_a_task_that_was_asked_for_a_dry_run_may_go_on() -> None:
    class Run:
        dry = True

    class Config:
        run = Run

    class Context:
        config = Config

    require_no_unheard_dry_run(Context, {"dry_run": True})
    require_no_unheard_dry_run(None, {})
    for given in ({}, {"dry_run": False}):
        with pytest.raises(ConfigurationError, match="Nothing was done"):
            require_no_unheard_dry_run(Context, given)


def test_a_mistake_that_only_invoke_finds_has_the_status_2_as_well(clone: Path) -> None:
    ended = fab(clone, "sync", "--source=--json", "abd")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: ")


@pytest.mark.parametrize("line", ["status --list-depth x", "status -D", "sync abc abd --include"])
def test_a_value_that_is_none_is_no_traceback(clone: Path, line: str) -> None:
    ended = fab(clone, *line.split())

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: ") and "Traceback" not in ended.stderr


def test_help_shows_our_tasks_and_no_ssh(clone: Path) -> None:
    ended = fab(clone, "help")

    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == "SyncBuckets makes one S3 bucket equal to another, in your own AWS account."
    tasks = Collection.from_module(fabfile)
    width = max(map(len, tasks.task_names))
    assert [
        line
        for name in tasks.task_names
        if (line := f"  {name:<{width}}   {tasks[name].__doc__}") not in lines
    ] == []
    assert "SSH" not in ended.stdout and max(map(len, lines)) <= 80


@pytest.mark.parametrize("line", ["help sync", "sync -h", "-h sync"])
def test_the_help_of_a_task_says_its_words_and_all_its_flags(clone: Path, line: str) -> None:
    ended = fab(clone, *line.split())

    assert (ended.returncode, ended.stderr) == (0, "")
    first, *rest = ended.stdout.splitlines()
    assert first == "Usage: fab sync SOURCE DESTINATION [FLAGS] or fab sync NAME [FLAGS]"
    for flag in (
        "--[no-]delete",
        "--include=STRING",
        "--compare-metadata=STRING",
        "--[no-]wait",
        "--input=STRING",
    ):
        assert [row for row in rest if row.startswith(f"  {flag} ")], flag
    assert "core-opts" not in ended.stdout


def test_the_help_of_a_task_without_flags_says_so(clone: Path) -> None:
    ended = fab(clone, "help", "watch")

    assert ended.stdout.split("\n\n") == [
        "Usage: fab watch",
        "  Follow what CloudFormation is doing with the stack.",
        "It has no flags.\n",
    ]


def test_help_for_what_is_no_task_names_the_nearest(clone: Path) -> None:
    for line in ("help synk", "--help synk"):
        ended = fab(clone, *line.split())
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith("Error: There is no task 'synk'. Did you mean `fab sync`?\n")


def test_the_version_behind_a_task_is_ours_and_runs_nothing(clone: Path) -> None:
    ended = fab(clone, "delete", "--yes", "--version")

    assert (ended.returncode, ended.stderr) == (0, "")
    words = [line.split()[0] for line in ended.stdout.splitlines()]
    assert ended.stdout.startswith(
        f"SyncBuckets {deployment.VERSION}\nPython {platform.python_version()}\nboto3 "
    )
    assert words[:5] == ["SyncBuckets", "Python", "boto3", "Fabric", "Invoke"]


@pytest.mark.skipif(os.name == "nt", reason="a pipe without a reader is an error of another kind there")
@pytest.mark.parametrize(
    "line, unbuffered",
    [("help", ""), ("--list", "1"), ("status --version", ""), ("check", "1"), ("template", "")],
)
def test_a_pipe_that_nobody_reads_ends_quietly(clone: Path, line: str, unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        ended = subprocess.run(
            [sys.executable, "-m", "fabric", *line.split()],
            cwd=clone,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (ended.returncode, ended.stderr) == (141, "")


def test_nothing_is_taken_over_where_no_program_is_loading_the_fabfile() -> None:
    program = make_program()
    take_over()
    assert type(program).__name__ == "Fab"


# Our own `fab`

OURS = f"import sys; sys.path.insert(0, {str(PROJECT / 'fab_command')!r}); import sync_buckets_fab; sync_buckets_fab.main()"


def our_fab(folder: Path, *arguments: str, **streams: Any) -> subprocess.CompletedProcess[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(
        [sys.executable, "-c", OURS, *arguments], cwd=folder, text=True, timeout=60, **streams
    )


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_without_a_task_shows_our_tasks_first(clone: Path, flag: str) -> None:
    ended = our_fab(clone / "deployment", flag)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == fab(clone, "help").stdout


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_ours(clone: Path, flag: str) -> None:
    ended = our_fab(clone, flag)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(
        f"SyncBuckets {deployment.VERSION}\nPython {platform.python_version()}\nboto3 "
    )


def test_the_rest_is_as_with_the_script_of_fabric(clone: Path) -> None:
    for line in ("--dry", "sync abc abd -R", "synk", "sync -h"):
        ours, theirs = our_fab(clone, *line.split()), fab(clone, *line.split())
        assert (ours.returncode, ours.stdout, ours.stderr) == (
            theirs.returncode,
            theirs.stdout,
            theirs.stderr,
        )


@pytest.mark.parametrize("line", ["-D x", "-T x status", "-H"])
def test_a_mistake_before_the_tasks_is_no_traceback_either(clone: Path, line: str) -> None:
    ended = our_fab(clone, *line.split())

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("Error: ")


@pytest.mark.parametrize("line", ["", "status", "-h", "--version"])
def test_a_folder_without_a_fabfile_gets_a_sentence(tmp_path: Path, line: str) -> None:
    ended = our_fab(tmp_path, *line.split())

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: there is no fabfile.py in {tmp_path}, nor in a folder above it. Run fab in the folder of SyncBuckets.\n"
    )


def test_a_fabfile_that_is_not_ours_is_left_to_fabric(tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text(
        "from fabric import task\n@task\ndef hello(c):\n    print('hello')\n"
    )

    assert (our_fab(tmp_path, "hello").stdout, our_fab(tmp_path, "--version").stdout[:7]) == (
        "hello\n",
        "Fabric ",
    )


@pytest.mark.skipif(os.name == "nt", reason="a pipe without a reader is an error of another kind there")
@pytest.mark.parametrize("flag", ["-h", "--version"])
def test_its_first_answers_end_quietly_as_well(clone: Path, flag: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        ended = our_fab(clone, flag, stdout=closed, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert (ended.returncode, ended.stderr) == (141, "")


# An older Python


def test_what_an_older_python_reads_before_the_sentence_has_no_newer_syntax() -> None:
    for name in ("fabfile.py", "deployment/__init__.py"):
        ast.parse((PROJECT / name).read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("older", [(3, 10, 14), (3, 7, 0)])
def test_an_older_python_gets_one_sentence(older: tuple[int, ...]) -> None:
    code = f"import sys; sys.version_info = {older!r}; import fabfile"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: SyncBuckets needs Python 3.11 or newer, and this is Python {older[0]}.{older[1]}. Make a virtual environment "
        "with a newer one: python3.11 -m venv .venv && .venv/bin/pip install -r requirements.txt\n"
    )
