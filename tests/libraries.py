"""`python -m tests.libraries`: the Lambdas' tests on old and new libraries, as a table of botocore by Python.

Every cell has a virtual environment of its own, in which everything but AWS's libraries is as requirements.lock says; one runs
after the other. `-- ARGUMENTS` are pytest's. The status is 1 if a test failed or an environment could not be made. A botocore
that is not for a Python is told with the reason, and is no failure. This needs the standard library only.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).resolve().parent.parent
# What a function had under python3.12 and python3.13 on 2025-08-22, by https://github.com/terricain/aioboto3/issues/381. AWS
# publishes no list and goes on updating (https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included);
# `boto3.__version__` in a function tells today's.
LAMBDA_BOTOCORE = "1.38.36"
PYTHONS = ("3.11", "3.12", "3.13")
# moto and python-frontmatter only because the tests' own modules import them.
PACKAGES = ("pytest", "pytest-xdist", "hypothesis", "moto[s3,stepfunctions]", "python-frontmatter")
VARIED = {"boto3", "botocore", "s3transfer"}


def _find_all(pattern: str, file: str) -> list[Any]:
    return re.findall(pattern, (PROJECT / file).read_text(encoding="utf-8"), re.MULTILINE)


# Read, not imported: botocore is not there yet.
VERSIONS = {
    "oldest": _find_all(r"^OLDEST_BOTOCORE = .(\S+).$", "lambda_functions/shared/s3/botocore_version.py")[0],
    "lambda": LAMBDA_BOTOCORE,
    "newest": _find_all(r"^botocore==(\S+)", "requirements.lock")[0],
}


class Interpreter(NamedTuple):
    """A Python that can make virtual environments."""

    path: Path
    version: str


class Cell(NamedTuple):
    """What a cell of the table says, and whether it is as it should be."""

    text: str
    is_fine: bool


def main(arguments: Sequence[str]) -> int:
    """Fill the table and print it; return the exit status."""
    options = _options(arguments)
    found = {name: find(name) for name in options.python or PYTHONS}
    pythons = [interpreter for interpreter in found.values() if interpreter]
    if missing := [name for name, interpreter in found.items() if interpreter is None]:
        print(f"No Python {', '.join(missing)} that makes virtual environments is on PATH or of pyenv.")
        if options.python or not pythons:
            return 1
    cells: dict[tuple[str, str], Cell] = {}
    with tempfile.TemporaryDirectory(prefix="libraries-") as temporary:
        for row, python in itertools.product(options.botocore or VERSIONS, pythons):
            cells[row, python.version] = run(row, python, options.keep or Path(temporary), options.pytest)
            print(f"botocore {row}, Python {python.version}: {cells[row, python.version].text}", flush=True)
    print("", *table(cells), sep="\n")
    return int(not all(cell.is_fine for cell in cells.values()))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.libraries", description=__doc__)
    named = ", ".join(f"{name} ({version})" for name, version in VERSIONS.items())
    parser.add_argument("--botocore", action="append", help=f"a row: {named}, or any version; default: these")
    parser.add_argument("--python", action="append", help=f"a column: 3.N or a program; default: {PYTHONS}")
    parser.add_argument("--keep", type=Path, help="a folder for the environments, which are used again")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    return parser.parse_args(arguments)


def find(name: str) -> Interpreter | None:
    """Return the first Python of a name that starts: `3.12` on PATH or else of pyenv, the newest first, or any program."""
    program = f"python{name}" if name[0].isdigit() else name
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    installed = sorted(pyenv.glob(f"{Path(name).name}.*/bin/python"), key=lambda path: (len(str(path)), path))
    for path in filter(shutil.which, [*(Path(at, program) for at in os.get_exec_path()), *installed[::-1]]):
        code = "import ensurepip, platform; print(platform.python_version())"
        done = subprocess.run([str(path), "-c", code], capture_output=True, text=True)
        version = done.stdout.strip()
        if done.returncode == 0 and (version.startswith(f"{name}.") or program == name):
            return Interpreter(path, version)
    return None


def run(row: str, python: Interpreter, folder: Path, arguments: Sequence[str]) -> Cell:
    """Run the tests on the fake S3 with a botocore and a Python; what they say is printed where any failed."""
    version = VERSIONS.get(row, row)
    environment = (folder / f"botocore-{version}-python-{python.version}").absolute()
    if why_not := _make(environment, version, python):
        return why_not
    tests = sorted(PROJECT.glob("tests/functional/runs/test_*.py"))
    chosen = [str(path) for path in tests if "fake_s3" in path.read_text(encoding="utf-8")]
    command = [str(environment / "bin/python"), "-m", "pytest", "-q", "-n", "auto", *arguments, *chosen]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    cell = of_pytest(done.returncode, done.stdout)
    if not cell.is_fine:
        print(done.stdout)
    return cell


def _make(environment: Path, version: str, python: Interpreter) -> Cell | None:
    """Make the environment, unless it is there and as it should be; return why it cannot be made."""
    wanted, installed = environment / "wanted.txt", environment / "installed.txt"
    if installed.exists() and installed.read_text(encoding="utf-8") == constraints():
        return None
    subprocess.run([str(python.path), "-m", "venv", "--clear", str(environment)], check=True)
    wanted.write_text(constraints(), encoding="utf-8")
    packages = [f"boto3=={version}", f"botocore=={version}", *PACKAGES, "--constraint", str(wanted)]
    pip = [str(environment / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        return of_pip(done.stderr)
    wanted.rename(installed)
    return None


def constraints() -> str:
    """Return what pip has to keep to: the lock without AWS's libraries, and without hashes, which those would need then."""
    pins = _find_all(r"^(([\w.-]+)==.+) \\$", "requirements.lock")
    return "".join(f"{pin}\n" for pin, name in pins if name not in VARIED)


def of_pytest(status: int, output: str) -> Cell:
    """Return the cell of a run of pytest: its counts and seconds, or its last line where it counted nothing."""
    last = output.strip().rpartition("\n")[2].strip("= ")
    if counted := re.fullmatch(r"(\d+ \w+(?:, \d+ \w+)*) in ([\d.]+)s.*", last):
        last = f"{counted[1]}, {float(counted[2]):.0f} s"
    return Cell(last if status == 0 else f"FAILED: {last}", status == 0)


def of_pip(errors: str) -> Cell:
    """Return the cell of an environment that could not be made."""
    missing = re.search(r"satisfies the requirement (\S+==(\S+))", errors)
    needs = missing and re.search(rf"\b{re.escape(missing[2])} Requires-Python ([^;\n]+)", errors)
    if missing and needs:
        return Cell(f"cannot be: {missing[1]} needs Python {needs[1]}", True)
    return Cell(f"FAILED: {errors.strip().rpartition(chr(10))[2]}", False)


def table(cells: Mapping[tuple[str, str], Cell]) -> list[str]:
    """Return the lines of the table in Markdown."""
    rows, pythons = (list(dict.fromkeys(names)) for names in zip(*cells, strict=True))
    names = {row: f"{VERSIONS[row]} ({row})" if row in VERSIONS else row for row in rows}
    lines = [["botocore", *(f"Python {python}" for python in pythons)], ["---"] * (len(pythons) + 1)]
    lines += [[names[row], *(cells[row, python].text for python in pythons)] for row in rows]
    return [f"| {' | '.join(line)} |" for line in lines]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
