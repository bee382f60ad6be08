"""All that can be checked without AWS: the front matter, the template, the state machines.

Beside the pipeline: `fab check` and the tests run it, and it asks nobody and changes nothing. The front
matter and the state machines are read as a deployment reads them; then `template_checks` judges the
template, `machine_checks` the machines. Every finding names a file that a person can edit, and a line where
there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deployment import (
    bundle,
    definitions,
    front_matter,
    machine_checks,
    rendering,
    template,
    template_checks,
)
from deployment.definitions import MachineSpec
from deployment.errors import FrontMatterError, Problem, StateMachineError
from deployment.front_matter import FunctionSpec
from deployment.settings import Settings

__all__ = ["Problem", "problems"]

FUNCTIONS = "lambda_functions"
MACHINES = "state_machines"

# Stand-ins for what only AWS knows; nothing is judged by them.
_ACCOUNT = "123456789012"
_REGION = "us-east-1"
_CONCURRENCY = 40

_PLACE = re.compile(r"(?P<path>[^:\s]+)(:(?P<line>\d+))?: (?P<message>.*)")


def problems(project: Path, settings: Settings) -> list[Problem]:
    """Return everything that is wrong with the Lambdas and state machines of `project`, file by file."""
    specs, unreadable = _functions(project)
    of_template = [] if unreadable else _template_problems(project, specs, settings)
    return [*unreadable, *of_template, *_machine_problems(project, specs, settings)]


def _functions(project: Path) -> tuple[tuple[FunctionSpec, ...], tuple[Problem, ...]]:
    try:
        return front_matter.read_all(project / FUNCTIONS), ()
    except FrontMatterError as error:
        return (), error.problems


def _template_problems(project: Path, specs: Sequence[FunctionSpec], settings: Settings) -> Iterator[Problem]:
    region = settings.region or _REGION
    bucket = f"{settings.stack_name}-deployment-{_ACCOUNT}-{region}"
    machine_names = [path.stem.replace("_", "-") for path in sorted((project / MACHINES).glob("*.yaml"))]
    try:
        bundles = bundle.make_all(specs, project)
        built = template.build(specs, bundles, settings, bucket, machine_names)
    except FrontMatterError as error:
        yield from error.problems
    else:
        yield from template_checks.problems(built, specs, region)


def _machine_problems(project: Path, specs: Sequence[FunctionSpec], settings: Settings) -> Iterator[Problem]:
    try:
        machines = definitions.read_all(project / MACHINES)
    except StateMachineError as error:
        yield from _parsed(error)
        return
    names = [path.stem for path in (project / FUNCTIONS).glob("*.py")]
    for machine in machines:
        try:
            rendered = _rendered(machine, names, settings)
        except StateMachineError as error:
            yield from _parsed(error)
        else:
            yield from machine_checks.problems(machine, rendered, _timeouts(specs))


def _rendered(machine: MachineSpec, functions: Iterable[str], settings: Settings) -> dict[str, Any]:
    versions = {name: f"arn:aws:lambda:{_REGION}:{_ACCOUNT}:function:{name}:1" for name in functions}
    values: Mapping[str, Any] = {
        "WorkBucket": f"{settings.stack_name}-workbucket",
        "Partition": "aws",
        "MaxConcurrency": settings.max_concurrency or _CONCURRENCY,
        "MaxDelete": settings.max_delete,
    }
    return rendering.render(machine, versions, values)


def _timeouts(specs: Iterable[FunctionSpec]) -> dict[str, int]:
    """The timeout of each Lambda in seconds, where it is a plain number."""
    named = ((spec.name, spec.properties.get("Timeout", template.LAMBDA_TIMEOUT_SECONDS)) for spec in specs)
    return {name: timeout for name, timeout in named if isinstance(timeout, int)}


def _parsed(error: StateMachineError) -> Iterator[Problem]:
    """The problems of an error that has them as text, one a line."""
    for line in str(error).splitlines():
        match = _PLACE.fullmatch(line)
        if match:
            number = int(match["line"]) if match["line"] else None
            yield Problem(match["path"], number, match["message"])
        else:
            yield Problem(f"{MACHINES}/", None, line)
