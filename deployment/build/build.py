"""All that is made of this folder without asking AWS: functions, state machines, zips, and the stack's template.

`read` comes first and reads every file; `build` needs besides the name of the deployment bucket, in which the account stands.
What is built travels to `deploy`, which brings AWS up to date with it, and to `plan`, which compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.build import bundle, definitions, template
from deployment.build.bundle import Bundle
from deployment.project import front_matter, states_language
from deployment.project.front_matter import FunctionSpec
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec


@dataclass(frozen=True)
class Sources:
    """The functions and state machines of a project as they were read, and the zips."""

    functions: Sequence[FunctionSpec]
    definitions: Sequence[MachineSpec]
    bundles: Sequence[Bundle]


@dataclass(frozen=True)
class BuiltProject(Sources):
    """The same, and the template made of them."""

    template: Mapping[str, Any]


def read_sources(project: Path) -> Sources:
    """Return the sources of a project; raise FrontMatterError or StateMachineError with all that is wrong with them."""
    functions = front_matter.read_all(project / "lambda_functions")
    machines = states_language.read_all(project / "state_machines")
    definitions.check_rendering(machines, functions)
    return Sources(functions, machines, bundle.make_all(functions, project))


def build_project(sources: Sources, settings: Settings, deployment_bucket: str) -> BuiltProject:
    """Return what these sources and settings come to."""
    names = [machine.name for machine in sources.definitions]
    body = template.make(
        sources.functions, sources.bundles, settings, deployment_bucket, names, sources.definitions
    )
    return BuiltProject(sources.functions, sources.definitions, sources.bundles, body)
