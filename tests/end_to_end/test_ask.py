"""`fab deploy --ask` by the real command line on a terminal, on the embedded emulator."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deployed_project import DEADLINE_SECONDS, FAB, Project
from test_plan_task import edit, world


def asked(project: Project, answer: str, tmp_path: Path) -> tuple[int, str, str]:
    """Run `fab deploy --ask` with a terminal to ask on; return its exit status, stdout and what the terminal shows."""
    keyboard, terminal = os.openpty()
    os.write(keyboard, f"{answer}\n".encode())
    environment = {**os.environ, **project.environment, "NO_COLOR": "1"}
    environment.pop("CI", None)
    with (tmp_path / "stdout.txt").open("w") as stdout:
        running = subprocess.Popen(
            [str(FAB), "deploy", "--ask"],
            cwd=project.folder,
            env=environment,
            stdin=terminal,
            stdout=stdout,
            stderr=terminal,
        )
    os.close(terminal)
    shown = screen(keyboard)
    return running.wait(DEADLINE_SECONDS), (tmp_path / "stdout.txt").read_text(), shown


def screen(keyboard: int) -> str:
    """Return all that is written to a terminal until nobody has it any more."""
    shown = b""
    try:
        while chunk := os.read(keyboard, 4096):
            shown += chunk
    except OSError:
        pass  # how Linux says that the other end is closed
    finally:
        os.close(keyboard)
    return shown.decode().replace("\r\n", "\n")


def test_declined_nothing_is_left_agreed_it_is_deployed_and_then_there_is_nothing_to_ask(
    editable: Project, tmp_path: Path
) -> None:
    assert editable.fab().returncode == 0
    edit(editable.folder / "lambda_functions" / "copy_keys.py", "# Timeout: 900", "# Timeout: 899")
    planned, before = editable.fab("plan"), world(editable)
    question = "Deploy this to account 000000000000, region eu-west-1? [y/N]"

    status, stdout, shown = asked(editable, "n", tmp_path)

    assert (status, world(editable)) == (1, before)
    plan = planned.stdout.removesuffix("\nNothing has been changed. To do this: fab\n")
    assert stdout == plan != planned.stdout
    assert shown == f"n\n{question} Error: Nothing was deployed: the answer was not y.\n"

    status, stdout, shown = asked(editable, "y", tmp_path)

    assert status == 0
    assert stdout.startswith(plan)
    assert "\nUploaded: 1 zip\n" in stdout
    assert question in shown
    assert editable.fab("plan", "--fail-on-changes").returncode == 0
    before = world(editable)

    status, stdout, shown = asked(editable, "", tmp_path)

    assert (status, world(editable)) == (0, before)
    assert stdout.endswith("\nNothing to do: everything is up to date.\n")
    assert question not in shown
