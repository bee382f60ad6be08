"""The page about a Lambda and a state machine of one's own, as what it is: two files and the screens of a session with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from places import PROJECT

PAGE = PROJECT / "docs" / "own-lambda-and-state-machine.md"
LAMBDA = Path("lambda_functions", "count_objects.py")
MACHINE = Path("state_machines", "count_objects.yaml")
STACK = "sync-buckets"
SETTINGS = 'SOURCE_BUCKETS = ["photos"]\nDESTINATION_BUCKETS = ["photos-copy"]'
LEFT_OUT = "..."

# What differs from one session to the next, and what stands for it when two screens are compared.
_CHANGING = (
    (r"\b\d{8}-\d{6}\b", "<timestamp>"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?\b", "<moment>"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<execution>"),
    (r"-[0-9a-f]{16}\.zip\b", "-<hash>.zip"),
    (r"(This folder: |  )[0-9a-f]{6}\b(?=,|$)", r"\1<code>"),
    (r"after [\d.]+ s$", "after <time>"),
)


@dataclass(frozen=True)
class Screen:
    """A command of the page and what it prints on standard output; in that `...` stands for any lines."""

    command: str
    output: str

    def shows(self, output: str) -> bool:
        """Whether this is what was printed, but for times, hashes and names that are drawn."""
        lines = [re.escape(line) for line in unchanging(self.output)]
        pattern = "".join(r"(.*\n)*?" if line == re.escape(LEFT_OUT) else f"{line}\n" for line in lines)
        return bool(re.fullmatch(pattern, "".join(f"{line}\n" for line in unchanging(output))))


def unchanging(output: str) -> list[str]:
    """Return the lines of a screen with what differs from one session to the next replaced, without blanks at their ends."""
    return [_replaced(line.rstrip()) for line in output.rstrip().splitlines()]


def _replaced(line: str) -> str:
    for pattern, word in _CHANGING:
        line = re.sub(pattern, word, line)
    return line


def text() -> str:
    """Return the page."""
    return PAGE.read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """Return the contents of all blocks of a kind, such as `python`, in their order."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL)


def write_files(project: Path) -> None:
    """Write the Lambda and the state machine of the page into a project."""
    for path, kind in ((LAMBDA, "python"), (MACHINE, "yaml")):
        (project / path).write_text(blocks(kind)[0], encoding="utf-8")


def change_lambda(project: Path) -> None:
    """Do to the Lambda what the page shows as a change."""
    (change,) = blocks("diff")
    before, after = (
        "".join(line[1:] for line in change.splitlines(keepends=True) if line[0] == sign) for sign in "-+"
    )
    old = (project / LAMBDA).read_text(encoding="utf-8")
    assert old.count(before) == 1
    (project / LAMBDA).write_text(old.replace(before, after), encoding="utf-8")


def screens() -> list[Screen]:
    """Return all commands of the page in their order."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append(Screen(command, output))
    return found
