"""The page about a Lambda and a state machine of one's own is played from its first screen to its last, beside the sync."""

from __future__ import annotations

import json
import shlex
from typing import Any

import own_machine_page as page
from deployed_project import Project

OBJECTS = {**{f"2026/{number}.jpg": bytes(10 * number) for number in range(5)}, "2025/old.jpg": b"old"}
ANSWER = {
    "bucket": "photos",
    "prefix": "2026/",
    "objects": 5,
    "bytes": 100,
    "after": "2026/4.jpg",
    "done": True,
}
# As long as the stack's name on the page, so that tables are as wide.
STACK = "sync-ownpage"


def prepared(project: Project) -> Project:
    """The sync, deployed for the bucket of the page, before its two files are there."""
    config = project.folder / "fabfile_config.py"
    text = config.read_text("utf-8").replace(f'"{project.stack_name()}"', f'"{STACK}"')
    config.write_text(f"{text}\n{page.SETTINGS}\n", encoding="utf-8")
    client = project.bucket("photos")
    for key, body in OBJECTS.items():
        client.put_object(Bucket="photos", Key=key, Body=body)
    done = project.fab()
    assert done.returncode == 0, done.stdout + done.stderr
    page.write_files(project.folder)
    return project


def counted(project: Project, given: Any) -> Any:
    """Start the current machine of the page as the AWS CLI does; return its answer."""
    (arn,) = [arn for arn in project.own_machines() if ":count-objects-" in arn]
    started = project.client("stepfunctions").start_execution(stateMachineArn=arn, input=json.dumps(given))
    return json.loads(project.wait(started["executionArn"])["output"])


def play(project: Project, screen: page.Screen) -> None:
    """Do what a command of the page does, and compare."""
    words = shlex.split(screen.command)
    if words[0] == "rm":
        for path in words[1:]:
            (project.folder / path).unlink()
    elif words[0] == "aws":
        assert counted(project, json.loads(words[words.index("--input") + 1])) == ANSWER
    elif words[0] == "fab" and words[1:] != ["check"]:  # that needs no emulator and is compared offline
        done = project.fab(*words[1:])
        output = done.stdout.replace(STACK, page.STACK)
        assert done.returncode == 0, done.stderr
        assert screen.shows(output), "\n".join([f"$ {screen.command}", *page.unchanging(output)])
    else:
        assert screen.command.startswith(("machine=$(fab versions --json", "fab check"))


def test_the_page_about_a_machine_of_ones_own_is_what_happens(editable: Project) -> None:
    prepared(editable)
    commands = page.screens()
    (changed,) = [number for number, one in enumerate(commands) if one.command == "fab status"]

    for number, screen in enumerate(commands):
        play(editable, screen)
        if number == changed:
            page.change_lambda(editable.folder)

    assert [arn.rpartition(":")[2].rsplit("-", 2)[0] for arn in editable.own_machines()] == [
        "sync-buckets-state-machine"
    ]
