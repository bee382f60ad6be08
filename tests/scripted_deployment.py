"""Shows in a terminal what a deployment of the stack looks like, at AWS's pace and without AWS.

    python -m tests.scripted_deployment works | fails | validation | watch

The template and all that is said are the real ones; CloudFormation is the scripted one of the tests, because no emulator
takes its time or refuses on request. The screens in docs/deploying.md that say so were made with it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from places import PROJECT

from deployment.build import bundle, template
from deployment.cloudformation import stack
from deployment.console import Console
from deployment.errors import StackError
from deployment.project import front_matter
from deployment.project.settings import Settings
from tests.fake_cloudformation import EventText, FakeCloudFormation
from tests.stacks import deploy_with, installed_with

SETTINGS = Settings()
DENIED = (
    'Resource handler returned message: "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: '
    "logs:PutRetentionPolicy on resource: arn:aws:logs:eu-west-1:123456789012:log-group:/sync-buckets/copy_keys: because "
    'no identity-based policy allows the logs:PutRetentionPolicy action" (HandlerErrorCode: AccessDenied)'
)
REFUSED = {
    "Status": "FAILED",
    "StatusReason": "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To "
    "troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.",
}
FINDING = {
    "ValidationPath": "/Resources/CopyKeys/Properties/EphemeralStorage/Size",
    "ValidationStatusReason": "99999 is not less than or equal to 10240",
    "ValidationFailureMode": "FAIL",
}


def wanted() -> dict[str, Any]:
    """The template of this folder, as `fab` builds it."""
    functions = front_matter.read_all(PROJECT / "lambda_functions")
    bundles = bundle.make_all(functions, PROJECT)
    return template.make(
        functions, bundles, SETTINGS, "sync-buckets-deployment", ["sync-buckets-state-machine"]
    )


def waves(resources: dict[str, Any]) -> list[list[str]]:
    """What CloudFormation makes at the same time: what nothing is needed for, roles, functions, what names one of those."""
    functions = [name for name in resources if resources[name]["Type"] == "AWS::Serverless::Function"]
    roles = [f"{name}Role" for name in functions]
    first = [name for name in resources if name.endswith("LogGroup") or name == "WorkBucket"]
    rest = [name for name in resources if name not in (*functions, *roles, *first)]
    return [first, roles, functions, rest]


def happens(stages: Sequence[Sequence[str]]) -> Iterator[list[EventText]]:
    """Batches of two seconds each: of a wave's resources four begin at a time, and end in the next."""
    yield [("", "CREATE_IN_PROGRESS", "")]
    for names in (stage[i : i + 4] for stage in stages for i in range(0, len(stage), 4)):
        yield [(name, "CREATE_IN_PROGRESS", "") for name in names]
        yield [(name, "CREATE_COMPLETE", "") for name in names]


def fails(stages: Sequence[Sequence[str]]) -> Iterator[list[EventText]]:
    """One log group is refused; the others are cancelled, and what was made is removed."""
    yield [("", "CREATE_IN_PROGRESS", "")]
    yield [(name, "CREATE_IN_PROGRESS", "") for name in stages[0][:5]]
    yield [(stages[0][0], "CREATE_COMPLETE", ""), ("CopyKeysLogGroup", "CREATE_FAILED", DENIED)]
    yield [(name, "CREATE_FAILED", "Resource creation cancelled") for name in stages[0][2:5]]
    yield [("", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [CopyKeysLogGroup].")]
    yield [(name, "DELETE_IN_PROGRESS", "") for name in stages[0][:5]]
    yield [(name, "DELETE_COMPLETE", "") for name in stages[0][:5]]
    yield [("", "ROLLBACK_COMPLETE", "")]


def scripted(kind: str, built: dict[str, Any]) -> FakeCloudFormation:
    """A CloudFormation in which this will happen."""
    stages = waves(built["Resources"])
    names = [name for stage in stages for name in stage]
    changes = [
        {
            "ResourceChange": {
                "Action": "Add",
                "LogicalResourceId": name,
                "ResourceType": "AWS::Lambda::Function",
            }
        }
        for name in names
    ]
    if kind == "validation":
        return FakeCloudFormation(change_set=[REFUSED], validation_errors=[FINDING])
    timeline = [*fails(stages)] if kind == "fails" else [*happens(stages), [("", "CREATE_COMPLETE", "")]]
    types = {name: resource["Type"] for name, resource in built["Resources"].items()}
    types = {name: found.replace("Serverless", "Lambda") for name, found in types.items()}
    fake = FakeCloudFormation(
        change_set=[{"Status": "CREATE_COMPLETE", "Changes": changes}], executed=timeline, types=types
    )
    fake.outputs = dict.fromkeys(built["Outputs"], "of AWS")
    return fake


def show(kind: str, console: Console, pause: Any) -> str:
    """Deploy; return the message of a failure, "" if there was none."""
    built = wanted()
    fake = scripted(kind, built)

    def sleep(seconds: float) -> None:
        pause(seconds)
        fake.sleep(seconds)

    installation = installed_with(fake, SETTINGS, sleep)
    try:
        if kind == "watch":
            fake.template = built
            fake.begin(*[*happens(waves(built["Resources"]))][5:], [("", "CREATE_COMPLETE", "")])
            fake.happen("", "CREATE_IN_PROGRESS", "")
            stack.watch(installation, console)
        else:
            deploy_with(installation, built, console)
    except StackError as error:
        return f"Error: {error}"
    return ""


if __name__ == "__main__":
    try:
        print(show(sys.argv[1], Console(), time.sleep), file=sys.stderr)
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
