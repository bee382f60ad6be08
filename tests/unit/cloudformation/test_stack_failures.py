"""Why a deployment failed: which failure is the cause, what helps against it, what CloudFormation's validation found."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from deployment.cloudformation import failures
from deployment.cloudformation.events import Event
from deployment.cloudformation.failures import HINTS, hint
from tests.fake_cloudformation import FakeCloudFormation, refusal
from tests.stacks import TEMPLATE

WHO = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
LAMBDA = ' (Service: Lambda, Status Code: 400, Request ID: 1) (SDK Attempt Count: 1)" (HandlerErrorCode: x)'
REASONS = [
    (
        f"{WHO}iam:CreateRole on resource: arn with an explicit deny in a service control policy",
        "A service control policy of the organization forbids iam:CreateRole: ask whoever manages the organization.",
    ),
    (
        f"{WHO}s3:CreateBucket on resource: arn with an explicit deny in a resource control policy",
        "A resource control policy of the organization forbids s3:CreateBucket: ask whoever manages the organization.",
    ),
    (
        f"{WHO}iam:CreateRole on resource: arn because no permissions boundary allows the iam:CreateRole action",
        "The permissions boundary of whoever deploys does not allow iam:CreateRole. If that boundary is required of all "
        "roles, set PERMISSIONS_BOUNDARY_ARN in fabfile_config.py.",
    ),
    (
        f"{WHO}lambda:TagResource on resource: arn with an explicit deny in an identity-based policy",
        "A policy denies lambda:TagResource explicitly, and no Allow helps against that: the Deny itself must be changed.",
    ),
    (
        f"{WHO}logs:CreateLogGroup on resource: arn because no identity-based policy allows the action",
        "Allow logs:CreateLogGroup to whoever deploys; docs/permissions.md has the whole policy.",
    ),
    ("API: s3:CreateBucket Access Denied", "Allow s3:CreateBucket to whoever deploys; docs/permissions.md has the whole policy."),
    (
        f"{WHO}kms:CreateGrant on resource: arn",
        "Allow kms:CreateGrant to whoever deploys; docs/permissions.md has the whole policy.",
    ),
    (
        "The security token included in the request is expired (Service: Iam)",
        "The credentials have expired during the deployment. Sign in again.",
    ),
    (
        "Value at 'permissionsBoundary' failed: Scope ARN: x is not a policy: PermissionsBoundary",
        "Check PERMISSIONS_BOUNDARY_ARN in fabfile_config.py: it must be the ARN of a managed policy of this account or "
        "of AWS.",
    ),
    (
        f"The role defined for the function cannot be assumed by Lambda.{LAMBDA}",
        "IAM has not propagated the new role everywhere yet; that takes seconds.",
    ),
    ("MalformedPolicyDocument: Syntax errors in policy.", "Check the Policies at the top of the file."),
    (
        "Maximum policy size of 10240 bytes exceeded for role x",
        "Name fewer buckets or keys in SOURCE_BUCKETS, DESTINATION_BUCKETS and KMS_KEY_ARNS of fabfile_config.py.",
    ),
    (
        "KMSInvalidStateException: arn is pending deletion.",
        "The KMS key is disabled or about to be deleted: enable it, or name another.",
    ),
    (
        "Lambda was unable to configure access: KMS key not found",
        "Check that the KMS key exists in this region, and that its key policy lets this account use it.",
    ),
    (
        "The requested bucket name is not available. (Service: S3; Error Code: BucketAlreadyExists)",
        "Bucket names are unique in all of AWS, and somebody has this one: set another STACK_NAME in fabfile_config.py.",
    ),
    (
        "Resource of type 'AWS::Logs::LogGroup' with identifier '/sync-buckets/copy_keys' already exists.",
        "Remove it if an earlier stack left it, or set another STACK_NAME in fabfile_config.py.",
    ),
    (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        "its minimum value of [10].",
        "The account allows too few concurrent Lambdas for this: remove ReservedConcurrentExecutions from the file, or "
        "ask AWS for more (Service Quotas: AWS Lambda, Concurrent executions).",
    ),
    (
        "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008",
        "The account allows 3008 MB at most, as new accounts do: lower MemorySize at the top of the file, or ask AWS for "
        "more.",
    ),
    (
        f"Code storage limit exceeded.{LAMBDA}",
        "Lambda's storage for code is full: delete functions or versions that nobody calls, or ask AWS for more.",
    ),
    (
        "Cannot exceed quota for RolesPerAccount: 1000 (Service: Iam; Error Code: LimitExceeded)",
        "The account's quota is used up: delete what is not needed, or ask for more in the Service Quotas console.",
    ),
    (
        "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions.",
        "Set a newer Runtime than python3.7 at the top of the file.",
    ),
    (
        "Value python9.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs22.x]",
        "Set a Runtime that Lambda has in this region at the top of the file, for example python3.13.",
    ),
    (
        "Architecture arm64 is not supported in this region",
        "Set Architectures at the top of the file to one that Lambda has in this region: [arm64] or [x86_64].",
    ),
    (
        "Layer version arn:aws:lambda:eu-west-1:123456789012:layer:x:1 does not exist.",
        "Check Layers at the top of the file: each needs its version, in this region, and open to this account.",
    ),
    (
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
        "The zip is no longer in the deployment bucket; `fab` uploads it again.",
    ),
    (
        "CodeSHA256 (YWJj) is different from current CodeSHA256 in $LATEST (ZGVm).",
        "The function's code is not the zip of these sources: somebody has changed it in Lambda or in the deployment bucket. "
        "Find out who may, then change a file of lambda_functions/ (a comment is enough), so that the code is sent again.",
    ),
    (
        "The specified bucket does not exist (Service: S3; Error Code: NoSuchBucket)",
        "The bucket was removed outside of SyncBuckets.",
    ),
    (
        "Error occurred while GetObject. S3 Error Code: PermanentRedirect.",
        "The bucket is in another region: set AWS_REGION in fabfile_config.py, or another STACK_NAME.",
    ),
    (
        "The bucket you tried to delete is not empty (Service: S3)",
        "Something has written to the bucket meanwhile; `fab delete` empties it.",
    ),
    (
        "The following hook(s) failed: [Acme::S3::Encryption]",
        "A CloudFormation hook of the account or the organization refused it: ask whoever set it up.",
    ),
    (
        "Rate exceeded (Service: Lambda; Status Code: 429; Error Code: TooManyRequestsException)",
        "AWS was too busy for this account; it usually works a few minutes later.",
    ),
    (
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "Something else is changing the same resource; it usually works a few minutes later.",
    ),
    (
        "Resource handler returned message: Exceeded attempts to wait (HandlerErrorCode: NotStabilized)",
        "AWS took too long or failed internally; see https://health.aws.amazon.com if it happens again.",
    ),
]  # fmt: skip


def event(logical_id: str, status: str, reason: str = "", is_stack: bool = False) -> Event:
    return Event(f"{logical_id}-{status}", logical_id, "AWS::Lambda::Function", status, reason, is_stack)


@pytest.mark.parametrize("reason, advice", REASONS)
def test_a_common_reason_is_followed_by_what_mostly_helps(reason: str, advice: str) -> None:
    assert hint(reason) == advice


def test_every_hint_has_a_reason_that_leads_to_it() -> None:
    reached = {advice for _, advice in REASONS}
    templates = [sentence.partition("{}")[0] for _, sentence in HINTS]
    assert [one for one in templates if not any(advice.startswith(one) for advice in reached)] == []


@pytest.mark.parametrize("reason", ["", "Properties validation failed", "Resource creation cancelled"])
def test_to_any_other_reason_nothing_is_added(reason: str) -> None:
    assert hint(reason) is None


def test_the_cause_is_the_first_failure_that_is_not_a_cancelled_one() -> None:
    events = [
        event("CopyRole", "CREATE_FAILED", "Resource creation cancelled"),
        event("CopyKeysLogGroup", "CREATE_FAILED", "It already exists."),
        event("WorkBucket", "CREATE_FAILED", "Later."),
        event("sync-buckets", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed", is_stack=True),
    ]

    assert failures.explain(events, TEMPLATE) == (
        "CopyKeysLogGroup (AWS::Lambda::Function, lambda_functions/copy_keys.py) CREATE_FAILED: It already exists.\n"
        "Remove it if an earlier stack left it, or set another STACK_NAME in fabfile_config.py."
    )


def test_where_all_were_cancelled_one_of_them_is_better_than_nothing() -> None:
    events = [event("Copy", "CREATE_FAILED", "Resource creation cancelled")]

    assert failures.explain(events, {}) == (
        "Copy (AWS::Lambda::Function) CREATE_FAILED: Resource creation cancelled"
    )


def test_a_resource_that_failed_without_a_reason_says_so() -> None:
    assert failures.explain([event("Copy", "CREATE_FAILED")], {}) == (
        "Copy (AWS::Lambda::Function) CREATE_FAILED: no reason given"
    )


def test_without_any_event_that_says_why_that_is_said() -> None:
    assert failures.explain([], {}) == "CloudFormation gave no reason."


# --- What CloudFormation's own validation found --------------------------------------------------------------


def details(fake: Any) -> str:
    return failures.validation_details(fake, {"ChangeSetName": "arn:of:it"}, TEMPLATE)


def test_every_page_of_findings_is_read_and_each_is_traced_to_our_file() -> None:
    fake = FakeCloudFormation(
        validation_errors=[
            {
                "ValidationPath": "/Resources/CopyKeys/Properties/Timeout",
                "ValidationStatusReason": "99999 is greater than 900.",
                "ValidationFailureMode": "FAIL",
            },
            {
                "LogicalResourceId": "WorkBucket",
                "ValidationStatusReason": "The bucket already exists.",
                "ValidationFailureMode": "WARN",
            },
            {"OperationStatus": "FAILED"},
        ]
    )

    assert details(fake) == (
        "  /Resources/CopyKeys/Properties/Timeout (lambda_functions/copy_keys.py): 99999 is greater than 900.\n"
        "  WorkBucket (a warning): The bucket already exists.\n"
        "    Remove it if an earlier stack left it, or set another STACK_NAME in fabfile_config.py."
    )
    assert [request.get("NextToken") for _, request in fake.calls] == [None, "1", "2"]
    assert fake.calls[0][1] == {"ChangeSetName": "arn:of:it", "Filters": {"FailedEvents": True}}


class NoNetwork:
    def describe_events(self, **request: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://x/")


@pytest.mark.parametrize(
    "fake, line",
    [
        (
            FakeCloudFormation(validation_errors=refusal("DescribeEvents", "AccessDenied", "You may not.")),
            "AWS refused DescribeEvents with AccessDenied: You may not.",
        ),
        (
            FakeCloudFormation(
                validation_errors=refusal("DescribeEvents", "InvalidAction", "Unknown action")
            ),
            "AWS refused DescribeEvents with InvalidAction: Unknown action",
        ),
        (
            NoNetwork(),
            'Could not connect to the endpoint URL: "https://x/". Check the network, the region\'s name and '
            "AWS_ENDPOINT_URL.",
        ),
        (object(), "this boto3 does not know DescribeEvents. Run: pip install -U boto3"),
    ],
    ids=["not allowed", "not known there", "no network", "an old boto3"],
)
def test_where_the_details_cannot_be_had_one_line_says_why(fake: Any, line: str) -> None:
    assert details(fake) == f"  The details could not be read: {line}"
