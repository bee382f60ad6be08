"""All that can be checked without AWS: the configuration, the sources, the template, the state machines.

Beside the pipeline: `fab check` and the tests run it, and it asks nobody and changes nothing. Everything is
read as a deployment reads it, but whatever is wrong with one file, the others are looked at too, and so is
what could be understood of that one: `python_source` judges the Lambdas, `runtimes` what they run in, `cfn_lint` the
template, `least_privilege` what it allows, `statelint` the machines. Every finding names a file that a person can
edit, and a line where there is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from deployment import packages
from deployment.build import bundle, definitions, template
from deployment.build.notices import notice_resources
from deployment.checks import cfn_lint, least_privilege, runtimes, statelint
from deployment.console import Console
from deployment.errors import ConfigurationError, FrontMatterError, Problem, StateMachineError
from deployment.project import front_matter, python_source, source_files, states_language
from deployment.project import settings as configuration
from deployment.project.front_matter import FunctionSpec, Reading
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec
from deployment.syncs import overlaps
from deployment.text import quantity

FUNCTIONS = "lambda_functions"
MACHINES = "state_machines"

# Stand-ins for what only AWS knows; nothing is judged by them.
_ACCOUNT = "123456789012"
_REGION = "us-east-1"

NEEDED_PACKAGES = ("aws-sam-translator", "cfn-lint", "statelint")
"""What judges the template and the machines. Who deploys needs them not, so they may be missing."""

_PLACE = re.compile(r"(?P<path>[^:]+)(:(?P<line>\d+))?: (?P<message>.*)")


@dataclass(frozen=True)
class Findings:
    """What a check has found: mistakes in the order of files and lines, and what is right but worth knowing."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    functions: int
    machines: int


def project(folder: Path, today: date | None = None) -> Findings:
    """Check a project with its own configuration, or with the template's where it has none or one with mistakes."""
    name = f"{configuration.CONFIG_MODULE}.py"
    if not (folder / name).exists() and not (folder / name).is_symlink():
        missing = f"there is no {name}, so the settings are those of {configuration.TEMPLATE_MODULE}.py."
        return check(folder, configuration.defaults(), notes=[missing], today=today)
    examined = configuration.examine()
    return check(folder, examined.settings, examined.problems, wrong_settings=examined.wrong, today=today)


def check(
    folder: Path,
    settings: Settings,
    problems: Sequence[Problem] = (),
    notes: Sequence[str] = (),
    wrong_settings: Collection[str] = (),
    today: date | None = None,
) -> Findings:
    """Check a project with these settings; `problems` and `notes` are what is known already.

    Nothing is noted on `wrong_settings`: what they should be is not known. `today` is the day on which runtimes are judged; the
    present one without it. Raises PackageMissing where a linter is not installed.
    """
    for package in NEEDED_PACKAGES:
        packages.require(package, "`fab check`")
    today = today or datetime.now(UTC).date()
    readings, found = front_matter.examine_all(folder / FUNCTIONS)
    machines, unreadable = _machines(folder / MACHINES)
    everything = [
        *problems,
        *found,
        *bundle.problems(folder / FUNCTIONS),
        *_import_problems(folder / FUNCTIONS),
        *_template_problems(folder, readings, settings, machines),
        *runtimes.problems([reading.spec for reading in readings], today),
        *unreadable,
        *_machine_problems(machines, readings, settings),
    ]
    specs = [reading.spec for reading in readings]
    return Findings(
        tuple(sorted(dict.fromkeys(everything), key=lambda problem: (problem.path, problem.line or 0))),
        (
            *notes,
            *least_privilege.notes([*specs, *machines], settings, wrong_settings),
            *runtimes.notes(specs, today),
            *notice_resources.notes(settings),
            *overlaps.find(settings.syncs).notes,
            *_machine_notes(machines, readings, settings),
            *_unused_functions([reading.spec for reading in readings if reading.given is not None], machines),
            *_left_alone(folder),
        ),
        len(readings),
        len(machines),
    )


def show(console: Console, findings: Findings, as_json: bool = False) -> None:
    """Write the findings to stdout; raise ConfigurationError with their number when there are problems."""
    if as_json:
        console.result(report_json(findings))
    else:
        console.say(report_text(findings))
    if findings.problems:
        raise ConfigurationError(f"{quantity(len(findings.problems), 'problem')} found.")


def report_text(findings: Findings) -> str:
    """Return the report that a person reads: the problems, or that there are none, what was checked, and the notes."""
    lines = [str(problem) for problem in findings.problems] or ["No problems found."]
    functions = quantity(findings.functions, "Lambda function")
    lines.append(f"Checked: {functions}, {quantity(findings.machines, 'state machine')}, template, policies.")
    return "\n".join([*lines, *(f"Note: {note}" for note in findings.notes)])


def report_json(findings: Findings) -> str:
    """Return the same for a program; a problem is `{"path", "line", "message"}`, its line may be null."""
    whole = {
        "problems": [asdict(problem) for problem in findings.problems],
        "notes": list(findings.notes),
        "checked": {"functions": findings.functions, "stateMachines": findings.machines},
    }
    return json.dumps(whole, indent=2)


def _import_problems(folder: Path) -> Iterator[Problem]:
    """What the Lambdas and their shared modules import, and whether the latter are Python at all."""
    lambdas = source_files.list_folder(folder, source_files.LAMBDAS).sources
    shared = [path for path in bundle.files_in(folder / bundle.SHARED) if path.suffix == ".py"]
    for path in [*lambdas, *shared]:
        where = path.relative_to(folder.parent).as_posix()
        try:
            tree, mistake = python_source.parse(source_files.as_python(source_files.read_bytes(path)))
        except source_files.Unreadable as error:
            tree, mistake = None, (error.line, error.message)
        if mistake and path.parent != folder:  # of a Lambda itself its reading says so
            yield Problem(where, *mistake)
        for line, message in python_source.import_mistakes(tree, path, folder) if tree else ():
            yield Problem(where, line, message)


def _template_problems(
    folder: Path, readings: Sequence[Reading], settings: Settings, machines: Sequence[MachineSpec]
) -> Iterator[Problem]:
    """What is wrong with the template of all functions; of an unreadable one it has a stand-in without properties."""
    specs = [reading.spec for reading in readings if reading.spec.logical_id.isalnum()]
    region = settings.region or _REGION
    listed = source_files.list_folder(folder / MACHINES, source_files.MACHINES)
    machine_names = [path.stem.replace("_", "-") for path in listed.sources]
    try:
        built = _template(specs, settings, region, machine_names, machines)
    except FrontMatterError as error:
        yield from error.problems
        refused = {problem.path for problem in error.problems}
        specs = [spec for spec in specs if spec.source not in refused]
        built = _template(specs, settings, region, machine_names, machines)
    yield from cfn_lint.problems(built, specs, region, machines)
    yield from least_privilege.problems(specs, built, machines)


def _template(
    specs: Sequence[FunctionSpec],
    settings: Settings,
    region: str,
    machine_names: Sequence[str],
    machines: Sequence[MachineSpec],
) -> dict[str, Any]:
    bucket = f"{settings.stack_name}-deployment-{_ACCOUNT}-{region}"
    bundles = [bundle.Bundle(spec.name, f"{spec.name}-{'0' * 16}.zip", b"") for spec in specs]
    return template.make(specs, bundles, settings, bucket, machine_names, machines)


def _machines(folder: Path) -> tuple[tuple[MachineSpec, ...], tuple[Problem, ...]]:
    """The machines that can be read, and what is wrong with the files of the others."""
    try:
        return states_language.read_all(folder), ()
    except StateMachineError as error:
        problems = tuple(_problems_in(error))
    listed = source_files.list_folder(folder, source_files.MACHINES).sources
    found = [states_language.examine(path)[0] for path in listed]
    return tuple(machine for machine in found if machine), problems


def _machine_problems(
    machines: Sequence[MachineSpec], readings: Sequence[Reading], settings: Settings
) -> Iterator[Problem]:
    values = definitions.placeholder_values(settings, f"{settings.stack_name}-workbucket", "aws")
    for machine in machines:
        yield from statelint.problems(machine, _timeouts(readings), values)


def _machine_notes(
    machines: Sequence[MachineSpec], readings: Sequence[Reading], settings: Settings
) -> Iterator[str]:
    values = definitions.placeholder_values(settings, f"{settings.stack_name}-workbucket", "aws")
    for machine in machines:
        yield from map(str, statelint.notes(machine, _timeouts(readings), values, machines))


def _timeouts(readings: Sequence[Reading]) -> Mapping[str, int | None]:
    """The timeout of each Lambda in seconds, None where it is no plain number, or where its file cannot be read."""
    timeouts: dict[str, int | None] = {}
    for reading in readings:
        given = reading.given
        timeout = None if given is None else given.get("Timeout", template.LAMBDA_TIMEOUT_SECONDS)
        timeouts[reading.spec.name] = timeout if isinstance(timeout, int) else None
    return timeouts


def _unused_functions(specs: Sequence[FunctionSpec], machines: Sequence[MachineSpec]) -> Iterator[str]:
    called = {
        states_language.lambda_of(state.fields)
        for machine in machines
        for state in states_language.states(machine.definition)
    }
    for spec in specs:
        if machines and spec.name not in called:
            yield f"{spec.source}: no state machine calls it."


def _left_alone(folder: Path) -> Iterator[str]:
    """Yield what lies beside the sources and is not deployed, as somebody may think that it is."""
    for path in source_files.list_folder(folder / FUNCTIONS, source_files.LAMBDAS).others:
        if path.name != bundle.SHARED:
            yield f"{_where(path)}: it is in no zip; what the functions need belongs in {bundle.SHARED}/."
    for path in source_files.list_folder(folder / MACHINES, source_files.MACHINES).others:
        yield f"{_where(path)}: it is not deployed; a state machine is a *.yaml file."


def _where(path: Path) -> str:
    return f"{path.parent.name}/{path.name}{'/' if source_files.is_folder(path) else ''}"


def _problems_in(error: StateMachineError) -> Iterator[Problem]:
    """The problems of an error that has them as text, one a line."""
    for line in str(error).splitlines():
        match = _PLACE.fullmatch(line)
        if match:
            number = int(match["line"]) if match["line"] else None
            yield Problem(match["path"], number, match["message"])
        else:
            yield Problem(f"{MACHINES}/", None, line)
