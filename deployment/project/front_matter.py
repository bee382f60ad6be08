"""From the comment block on top of a Lambda's source to a FunctionSpec.

    # ---
    # Timeout: 60        # seconds
    # MemorySize: 512    # MB
    # ---
    ...
    def handler(event, context): ...

The second step of the pipeline. Every key of the block is a property of AWS::Serverless::Function, written
as in a SAM template; `function_properties` knows them, `placeholders` what the settings fill in, `template` what
comes of it. The source is parsed, never imported.

Every `*.py` directly in the folder is a Lambda, unless its name begins with an underscore. All mistakes of
all files are reported together, each with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import frontmatter
import yaml
from frontmatter.default_handlers import YAMLHandler

from deployment.errors import FrontMatterError, Problem
from deployment.project import front_matter_yaml, placeholders, python_source, source_files
from deployment.project import function_properties as properties
from deployment.project.front_matter_yaml import Mistake
from deployment.project.yaml_reading import Lines, Place, line_of

DELIMITER = "# ---"

# Each word begins with a letter, so that different names also differ in CamelCase (a_b1 and a_b_1 would not).
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")


@dataclass(frozen=True)
class FunctionSpec:
    """One Lambda as its file describes it; `places` has the line of everything in the front matter."""

    name: str
    path: Path
    properties: Mapping[str, Any]
    places: Lines = field(default_factory=dict, compare=False)

    @property
    def logical_id(self) -> str:
        """Its name in the template: `CopyKeys` for `copy_keys`."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def source(self) -> str:
        """Its file relative to the project, and so in the zip: `lambda_functions/copy_keys.py`."""
        return source_files.where(self.path)

    @property
    def handler(self) -> str:
        """What Lambda calls; it imports the part before the dot with slashes as dots."""
        return f"{self.path.parent.name}/{self.name}.handler"


@dataclass(frozen=True)
class Reading:
    """What could be understood of one file, and all that is wrong with it.

    `spec` has the properties that can be used; `given` all that were written, None when the block cannot be read.
    """

    spec: FunctionSpec
    given: Mapping[str, Any] | None
    problems: tuple[Problem, ...]


class CommentHandler(YAMLHandler):
    """python-frontmatter's handler for YAML in comments; `places` has the lines of what was read last."""

    FM_BOUNDARY = re.compile(rf"^{DELIMITER}[ \t]*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = DELIMITER

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[Place, int] = {}

    def split(self, text: str) -> tuple[str, str]:
        """Return the block, behind as many empty lines as stand above it, and the rest; raise Mistake."""
        lines = text.split("\n")
        first = _opening(lines)
        last = _closing(lines, first)
        block = [""] * (first + 1) + lines[first + 1 : last]
        return "\n".join(block), "\n".join(lines[last + 1 :])

    def load(self, fm: str, **kwargs: object) -> dict[str, Any]:
        """Return the properties of a block of comments; raise Mistake."""
        value, self.places = front_matter_yaml.load("\n".join(line[2:] for line in fm.split("\n")))
        return front_matter_yaml.require_mapping(value, fm, "Timeout: 60")

    def export(self, metadata: Mapping[str, object], **kwargs: object) -> str:
        """Return the properties as a block of comments, without its delimiters."""
        text = yaml.safe_dump(dict(metadata), sort_keys=False, allow_unicode=True)
        return "\n".join(f"# {line}".rstrip(" ") for line in text.rstrip("\n").split("\n"))


def examine(path: Path) -> Reading:
    """Return what can be understood of one Lambda and all its mistakes; for checks, which go on in spite of them."""
    spec, given = FunctionSpec(path.stem, path, {}), None
    found: list[tuple[int | None, str]] = []
    try:
        text = _text(path)
        found += _source_mistakes(text, spec)
        spec = _spec(path, text)
        found += _mistakes(spec, text)
        given = spec.properties
    except front_matter_yaml.Mistakes as several:
        found += [(mistake.line, mistake.message) for mistake in several.mistakes]
    except (Mistake, source_files.Unreadable) as mistake:
        found.append((mistake.line, mistake.message))
    problems = [Problem(spec.source, line, message) for line, message in found]
    return Reading(_usable(spec), given, tuple(sorted(problems, key=lambda problem: problem.line or 0)))


def read(path: Path) -> FunctionSpec:
    """Return the spec of one Lambda; raise FrontMatterError with every mistake of the file."""
    reading = examine(path)
    if reading.problems:
        raise FrontMatterError(reading.problems)
    return reading.spec


def read_all(folder: Path) -> tuple[FunctionSpec, ...]:
    """Return the specs of all Lambdas in `folder`; raise FrontMatterError with all their mistakes."""
    readings, problems = examine_all(folder)
    if problems:
        raise FrontMatterError(problems)
    return tuple(reading.spec for reading in readings)


def examine_all(folder: Path) -> tuple[tuple[Reading, ...], tuple[Problem, ...]]:
    """Return the reading of every Lambda in `folder`, and all problems together."""
    listed = source_files.list_folder(folder, source_files.LAMBDAS)
    readings = tuple(examine(path) for path in listed.sources)
    problems = [problem for reading in readings for problem in reading.problems]
    if not readings:
        nothing = "there is no Lambda here: expected at least one *.py"
        problems = [Problem(f"{folder.name}/", None, nothing)]
    return readings, (*problems, *listed.problems)


def _usable(spec: FunctionSpec) -> FunctionSpec:
    """The spec without the properties that have mistakes."""
    wrong = {name for name, _ in properties.mistakes(spec.properties)}
    wrong |= {name for name, value in spec.properties.items() if any(placeholders.mistakes(value))}
    if not wrong:
        return spec
    kept = {name: value for name, value in spec.properties.items() if name not in wrong}
    return replace(spec, properties=kept)


def _text(path: Path) -> str:
    content = source_files.read_bytes(path)
    if content.startswith(b"\xef\xbb\xbf"):
        raise Mistake(1, "the file begins with a byte order mark; save it as UTF-8 without one (BOM)")
    # Line ends as Python counts them.
    return source_files.as_utf_8(content).replace("\r\n", "\n").replace("\r", "\n")


def _spec(path: Path, text: str) -> FunctionSpec:
    handler = CommentHandler()
    _opening(text.split("\n"))  # before python-frontmatter takes empty lines away from the top
    found, _ = frontmatter.parse(text, handler=handler)
    return FunctionSpec(path.stem, path, found, handler.places)


def _opening(lines: list[str]) -> int:
    """The index of the opening delimiter: the first line, or the second below a shebang."""
    expected = 1 if lines[0].startswith("#!") else 0
    here = [index for index, line in enumerate(lines) if line.rstrip(" \t") == DELIMITER]
    if expected in here:
        return expected
    if here:
        message = f"'{DELIMITER}' must be at the top of the file"
        raise Mistake(here[0] + 1, f"{message}, only a shebang may be above it")
    raise Mistake(
        1, f"there is no front matter: expected a block of comments between two lines '{DELIMITER}'"
    )


def _closing(lines: list[str], first: int) -> int:
    """The index of the closing delimiter; only comments may stand before it."""
    for index, line in enumerate(lines[first + 1 :], start=first + 1):
        if line.rstrip(" \t") == DELIMITER:
            return index
        if line.rstrip(" \t") != "#" and not line.startswith("# "):
            found = f"{line!r} is inside the front matter, which begins in line {first + 1} and is not closed"
            raise Mistake(index + 1, f"{found}: expected '# ' and a property, or '{DELIMITER}' to end it")
    raise Mistake(first + 1, f"the front matter is not closed: expected a second line '{DELIMITER}'")


def _source_mistakes(text: str, spec: FunctionSpec) -> Iterator[tuple[int | None, str]]:
    if not _NAME.fullmatch(spec.name):
        yield None, "the name of a Lambda is lower-case words joined by underscores, such as copy_keys.py"
    tree, mistake = python_source.parse(text)
    if mistake:
        yield mistake
    if tree:
        yield from python_source.handler_mistakes(tree)


def _mistakes(spec: FunctionSpec, text: str) -> Iterator[tuple[int | None, str]]:
    for name, message in properties.mistakes(spec.properties):
        yield spec.places.get((name,)), message
    for name, value in spec.properties.items():
        for placeholder, message in placeholders.mistakes(value):
            yield _line_of(placeholder, text, line_of((name,), spec.places) or 1), message


def _line_of(needle: str, text: str, first: int) -> int:
    """The line of the first `needle` from line `first` on, or `first`."""
    lines = text.split("\n")[first - 1 :]
    return next((number for number, line in enumerate(lines, start=first) if needle in line), first)
