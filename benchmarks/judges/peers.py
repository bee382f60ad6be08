"""The judges: what each is asked between two folders, and what its answer comes to."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.tools import aws_command, rclone_command, s5cmd_command

LONGEST_SECONDS = 300
Folders = tuple[str, str]


@dataclass(frozen=True)
class Verdict:
    """What a judge would do: objects to copy, to delete, to give another time; `error` is why it could not say.

    `by_size` are the objects of which it has compared no more than the size.
    """

    copy: int = 0
    delete: int = 0
    touch: int = 0
    error: str = ""
    by_size: int = 0

    def words(self) -> str:
        """Return it for a table."""
        if self.error:
            return f"fails: {self.error}"
        said = [("copy", self.copy), ("delete", self.delete), ("set the time of", self.touch)]
        words = ", ".join(f"{word} {number}" for word, number in said if number) or "nothing"
        return f"{words} ({self.by_size} by size only)" if self.by_size else words


@dataclass(frozen=True)
class Judge:
    """A command for (source folder, destination folder, endpoint), and how its answer is read."""

    name: str
    command: Callable[[str, str, str], list[str]]
    read: Callable[[str], Verdict]

    def ask(self, folders: Folders, endpoint: str, environment: Mapping[str, str]) -> Verdict:
        """Run it to its end."""
        status, output = run(self.command(*folders, endpoint), environment)
        verdict = self.read(output)
        if status and verdict == Verdict():
            return Verdict(error=last_words(output))
        return verdict


def run(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command in an empty home; return its status and all that it wrote."""
    with tempfile.TemporaryDirectory(prefix="judge-") as home:
        done = subprocess.run(
            command,
            env={**environment, "HOME": home, "TMPDIR": home},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def last_words(output: str) -> str:
    """Return the last line of an output, short enough for a table."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:120].replace("|", "\\|") if lines else "without a word"


def counted(copy: str, delete: str, touch: str = "(?!)") -> Callable[[str], Verdict]:
    """Return a reader that counts the lines which have these patterns."""

    def read(output: str) -> Verdict:
        found = [len(re.findall(one, output, re.MULTILINE)) for one in (copy, delete, touch)]
        return Verdict(found[0], found[1], found[2])

    return read


def read_check(output: str) -> Verdict:
    """Read `rclone check`: what is not at the destination or differs would have to be copied, what is only there deleted."""
    place = re.search(r"NOTICE: (.+): \d+ differences found", output)
    missing = re.findall(r"ERROR : .*: file not in (.+)$", output, re.MULTILINE)
    different = len(re.findall(r"ERROR : .*: (?:md5|sizes) differ$", output, re.MULTILINE))
    at_destination = missing.count(place[1]) if place else 0
    unchecked = re.search(r"(\d+) hashes could not be checked", output)
    return Verdict(
        copy=at_destination + different,
        delete=len(missing) - at_destination,
        by_size=int(unchecked[1]) if unchecked else 0,
    )


READ_RCLONE = counted(
    r"Skipped (?:server-side )?copy as --dry-run is set",
    r"Skipped delete as --dry-run is set",
    r"Skipped (?:update|set) modification time",
)
READ_AWS = counted(r"^\(dryrun\) copy: ", r"^\(dryrun\) delete: ")
READ_S5CMD = counted(r"^cp ", r"^rm ")
JUDGES = (
    Judge(
        "`aws s3 sync --dryrun --delete`",
        lambda source, destination, endpoint: aws_command(source, destination, endpoint, "--dryrun"),
        READ_AWS,
    ),
    Judge(
        "`rclone check --checksum`",
        lambda source, destination, endpoint: rclone_command(
            "check", source, destination, endpoint, "--checksum"
        ),
        read_check,
    ),
    Judge(
        "`rclone sync --checksum --dry-run`",
        lambda *where: rclone_command("sync", *where, "--checksum", "--dry-run"),
        READ_RCLONE,
    ),
    Judge(
        "`rclone sync --dry-run`",
        lambda *where: rclone_command("sync", *where, "--dry-run"),
        READ_RCLONE,
    ),
    Judge(
        "`s5cmd --dry-run sync --delete`",
        lambda source, destination, endpoint: s5cmd_command(source, destination, endpoint, "--dry-run"),
        READ_S5CMD,
    ),
)
# What syncs, and the judge that plans the same.
OWN_JUDGES = {
    "`aws s3 sync`": "`aws s3 sync --dryrun --delete`",
    "`rclone sync`": "`rclone sync --dry-run`",
    "`s5cmd sync`": "`s5cmd --dry-run sync --delete`",
}
SYNCS: Mapping[str, Callable[[str, str, str], list[str]]] = {
    "`aws s3 sync`": lambda *where: aws_command(*where, "--only-show-errors"),
    "`rclone sync`": lambda *where: rclone_command("sync", *where),
    "`s5cmd sync`": lambda *where: s5cmd_command(*where, "--log", "error"),
}
