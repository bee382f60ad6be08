"""`python -m tests.localstack`: whole runs on LocalStack's S3, which have to converge, as a table.

LocalStack is installed from PyPI into an environment of its own, with a Python of 3.12 or later, and needs no Docker. In each
world the first run has to make the destination equal to the source, in bytes, headers, tags, ETags and checksums, and the second
must find nothing to do. The status is 1 where one does not converge, and where the server tried to reach anything outside this
machine. A second table has what the server answers otherwise than AWS documents, which is no failure.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import tests.conftest  # noqa: F401 - before all others: false credentials, and where the modules of the tests are
from tests import libraries

from .answers import Answer, asked
from .converging import Played, play
from .localstack_server import START, DidNotStart, install, running
from .localstack_worlds import scenes

PYTHONS = ("3.13", "3.12")


def main(arguments: Sequence[str]) -> int:
    """Play the worlds and print what came of them; return the exit status."""
    options = _options(arguments)
    python = next(filter(None, map(libraries.find, [options.python] if options.python else PYTHONS)), None)
    if python is None:
        print(
            f"No Python {options.python or ' or '.join(PYTHONS)} that makes environments is on PATH or of pyenv."
        )
        return 1
    with tempfile.TemporaryDirectory(prefix="localstack-environment-") as temporary:
        try:
            program = install((options.keep or Path(temporary)).absolute(), python.path)
            return _play_all([str(program), "-c", START], options.only)
        except DidNotStart as error:
            print(f"LocalStack did not start. It said at last:\n{error}")
            return 1


def _play_all(command: Sequence[str], only: str) -> int:
    with running(command) as server:
        told = []
        for scene in scenes():
            if only in scene.name:
                told.append(play(scene, server.url))
                print(
                    f"{told[-1].name}: {'; '.join(told[-1].wrong) or 'converges'}",
                    file=sys.stderr,
                    flush=True,
                )
        otherwise = [one for one in asked(server.url) if one.aws != one.server]
        left = server.left()
    print(*table(told), "", *table_of_answers(otherwise), sep="\n")
    for place in left:
        print(f"The server tried to leave this machine: {place}")
    return int(not told or bool(left) or any(one.wrong for one in told))


def table(told: Sequence[Played]) -> Iterator[str]:
    """Yield the lines of the table in Markdown, and how many worlds converge."""
    yield "| world | first run | second run | read back | seconds |"
    yield "| --- | --- | --- | --- | --- |"
    for one in told:
        verdict = "; ".join(one.wrong).replace("|", "\\|") or "equal"
        yield f"| {one.name} | {_sent(one.first)} | {_sent(one.second)} | {verdict} | {one.seconds:.1f} |"
    yield f"{sum(not one.wrong for one in told)} of {len(told)} worlds converge."


def table_of_answers(otherwise: Sequence[Answer]) -> Iterator[str]:
    """Yield the lines of the table of differences in Markdown."""
    yield "| asked | AWS | here |"
    yield "| --- | --- | --- |"
    for one in otherwise:
        yield f"| {one.asked} | {one.aws} | {one.server} |"


def _sent(requests: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(requests.items()))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.localstack", description=__doc__)
    parser.add_argument(
        "--python", help=f"3.N or a program; default: the first that is there of {', '.join(PYTHONS)}"
    )
    parser.add_argument("--keep", type=Path, help="a folder for the environment, which is used again")
    parser.add_argument("--only", default="", help="worlds with this in their names")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    # So that the server and the folders are put away too when the command is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main(sys.argv[1:]))
