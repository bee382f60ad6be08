"""What travels between building and deploying: all that this folder and the settings come to.

`fabfile.py` builds it, of AWS only the account is asked for that; `plan` compares it with what is deployed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.build.bundle import Bundle
from deployment.project.front_matter import FunctionSpec
from deployment.project.states_language import MachineSpec


@dataclass(frozen=True)
class Wanted:
    """The functions and state machines as they were read, the zips, and the stack's template."""

    functions: Sequence[FunctionSpec]
    definitions: Sequence[MachineSpec]
    bundles: Sequence[Bundle]
    template: Mapping[str, Any]
