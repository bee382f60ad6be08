"""A stack that is there and as it should be, with the template that it was made from; for plans and no-ops."""

from __future__ import annotations

from typing import Any

from deployment.plan.plan import DeploymentPlan
from deployment.project.settings import Settings
from tests.fake_cloudformation import STACK_ID, STACK_NAME, FakeCloudFormation, operation
from tests.installations import installed

SETTINGS = Settings(stack_name=STACK_NAME, tags={"team": "storage"})
TAGS = [{"Key": "team", "Value": "storage"}, {"Key": "syncbuckets:stack", "Value": STACK_NAME}]
TEMPLATE = {"Resources": {"WorkBucket": {"Type": "AWS::S3::Bucket", "Properties": {"Flag": True}}}}
NO_CHANGES = [{"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}]
NOTHING_PLANNED = DeploymentPlan(
    installation=installed(SETTINGS),
    status="UPDATE_COMPLETE",
    obstacle=None,
    replaces_leftover=False,
    bucket="the-bucket",
    creates_bucket=False,
    uploads=(),
    changes=(),
    is_previewed=True,
    settings=(),
    machines=(),
    sources={"Resources": {}},
)


class Deployed(FakeCloudFormation):
    """A stack with a template, and a description that a test can add to."""

    def __init__(self, template: Any = TEMPLATE, status: str = "CREATE_COMPLETE", **more: Any) -> None:
        super().__init__(status, tags=TAGS, change_set=NO_CHANGES)
        self.template = template
        self.more = more

    @operation("DescribeStacks")
    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        (found,) = super().describe_stacks(**request)["Stacks"]
        return {"Stacks": [found | self.more]}

    def get_template(self, **request: Any) -> dict[str, Any]:
        self.calls.append(("get_template", request))
        return super().get_template(**request)

    @operation("UpdateTerminationProtection")
    def update_termination_protection(self, **request: Any) -> dict[str, Any]:
        self.calls.append(("update_termination_protection", request))
        self.more["EnableTerminationProtection"] = request["EnableTerminationProtection"]
        return {"StackId": STACK_ID}
