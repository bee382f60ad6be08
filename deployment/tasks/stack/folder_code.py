"""What this folder would deploy, as the same hash that `inventory` computes for what is deployed.

For `fab versions` and `fab status`, which say with it whether the two differ. Reads the files, the stack's outputs and the
account's limit of Lambdas; makes and changes nothing. Settings that only reach roles or the work bucket are not in it:
`fab plan` is the whole comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.account import Account, aws_sentence
from deployment.build import bundle, template
from deployment.build.definitions import render
from deployment.cloudformation import deployment_bucket
from deployment.errors import SyncBucketsError
from deployment.project import front_matter
from deployment.project.settings import Settings
from deployment.step_functions import inventory, state_machines

DEFAULT_MEMORY_MB = 128
"""Of a function that does not say: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""


@dataclass(frozen=True)
class FolderCode:
    """The code of every state machine of a folder, by base name; or why it cannot be known."""

    codes: Mapping[str, str]
    problem: str = ""


def of_folder(
    account: Account, settings: Settings, project: Path, outputs: Mapping[str, str] | None
) -> FolderCode:
    """Return the code of a folder as it would be deployed now; `outputs` are the stack's, None where there is no stack."""
    if not outputs or "WorkBucket" not in outputs:
        return FolderCode({}, "the stack is not deployed")
    try:
        definitions = state_machines.read_all(project / "state_machines")
        runs = _runs(account, settings, project, [definition.name for definition in definitions])
        values = state_machines.values_of(account, settings, outputs)
        rendered = {one.name: render(one, runs, values) for one in definitions}
    except SyncBucketsError as error:
        return FolderCode({}, str(error).splitlines()[0])
    except ClientError as error:  # whoever only looks may not be allowed to ask for the limit of Lambdas
        return FolderCode({}, aws_sentence(error))
    return FolderCode({name: inventory.code_of_definition(one) for name, one in rendered.items()})


def _runs(account: Account, settings: Settings, project: Path, machine_names: list[str]) -> dict[str, str]:
    """Return what each function would run, by its file's name."""
    functions = front_matter.read_all(project / "lambda_functions")
    bundles = bundle.make_all(functions, project)
    bucket = deployment_bucket.bucket_name(account, settings)
    resources = template.build(functions, bundles, settings, bucket, machine_names)["Resources"]
    return {one.name: _run(resources[one.logical_id]["Properties"]) for one in functions}


def _run(properties: Mapping[str, Any]) -> str:
    """Return what a function of the template would run, with Lambda's defaults for what is not said."""
    zip_hash = properties["CodeUri"]["Key"].rpartition("-")[2].removesuffix(".zip")
    defaults = {"Timeout": template.LAMBDA_TIMEOUT_SECONDS, "MemorySize": DEFAULT_MEMORY_MB}
    return inventory.runs_text(properties["FunctionName"], zip_hash, {**defaults, **properties})
