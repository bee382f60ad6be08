"""Says why an operation on a stack failed: the first cause, our file behind it, AWS's reason, and what to do about it.

Used by `stack` and `change_sets`, after `events` has followed the operation. Only DescribeEvents is asked here,
and only where AWS's reason says no more than that it knows more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.errors import aws_sentence
from deployment.build.logical_ids import source_of
from deployment.cloudformation.events import Event

_ACTION = r"(?:not authorized to perform:? |API: )([\w-]+:\w+)"

HINTS: tuple[tuple[str, str], ...] = (
    # Who may do what: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    (
        _ACTION + r".*service control polic",
        "A service control policy of the organization forbids {}: ask whoever manages the organization.",
    ),
    (
        _ACTION + r".*resource control polic",
        "A resource control policy of the organization forbids {}: ask whoever manages the organization.",
    ),
    (
        _ACTION + r".*permissions boundary",
        "The permissions boundary of whoever deploys does not allow {}. If that boundary is required of all roles, set "
        "PERMISSIONS_BOUNDARY_ARN in fabfile_config.py.",
    ),
    (
        _ACTION + r".*explicit deny",
        "A policy denies {} explicitly, and no Allow helps against that: the Deny itself must be changed.",
    ),
    (_ACTION, "Allow {} to whoever deploys; docs/permissions.md has the whole policy."),
    (
        r"security token included in the request is (?:expired|invalid)|ExpiredToken",
        "The credentials have expired during the deployment. Sign in again.",
    ),
    (
        r"PermissionsBoundary|permissions boundary",
        "Check PERMISSIONS_BOUNDARY_ARN in fabfile_config.py: it must be the ARN of a managed policy of this account or "
        "of AWS.",
    ),
    (
        r"role defined for the function cannot be assumed|cannot be assumed|not be able to assume",
        "IAM has not propagated the new role everywhere yet; that takes seconds.",
    ),
    (
        r"MalformedPolicyDocument|[Ss]yntax errors in policy|Policy document|Invalid principal",
        "Check the Policies at the top of the file.",
    ),
    (
        r"Maximum policy size",
        "Name fewer buckets or keys in SOURCE_BUCKETS, DESTINATION_BUCKETS and KMS_KEY_ARNS of fabfile_config.py.",
    ),
    # KMS: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    (
        r"KMS.*(?:[Dd]isabled|pending deletion|PendingDeletion)|DisabledException|KMSInvalidState",
        "The KMS key is disabled or about to be deleted: enable it, or name another.",
    ),
    (
        r"KMS|kms:",
        "Check that the KMS key exists in this region, and that its key policy lets this account use it.",
    ),
    # Names
    (
        r"bucket name is not available|BucketAlreadyExists|BucketAlreadyOwnedByYou",
        "Bucket names are unique in all of AWS, and somebody has this one: set another STACK_NAME in fabfile_config.py.",
    ),
    (
        r"[Aa]lready ?[Ee]xists?",
        "Remove it if an earlier stack left it, or set another STACK_NAME in fabfile_config.py.",
    ),
    # Limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    (
        r"UnreservedConcurrentExecution",
        "The account allows too few concurrent Lambdas for this: remove ReservedConcurrentExecutions from the file, or "
        "ask AWS for more (Service Quotas: AWS Lambda, Concurrent executions).",
    ),
    (
        r"'MemorySize' value failed to satisfy constraint.*less than or equal to (\d+)",
        "The account allows {} MB at most, as new accounts do: lower MemorySize at the top of the file, or ask AWS for "
        "more.",
    ),
    (
        r"Code storage limit|CodeStorageExceeded",
        "Lambda's storage for code is full: delete functions or versions that nobody calls, or ask AWS for more.",
    ),
    (
        r"LimitExceeded|[Ll]imit exceeded|exceeded? (?:the |your )?(?:account )?(?:limit|quota)|TooManyBuckets|quota",
        "The account's quota is used up: delete what is not needed, or ask for more in the Service Quotas console.",
    ),
    # What Lambda does not take
    (
        r"[Rr]untime(?: parameter)? of ([\w.]+) is no longer supported",
        "Set a newer Runtime than {} at the top of the file.",
    ),
    (
        r"at 'runtime' failed to satisfy constraint|(?:unsupported|not support\w*) runtime|[Rr]untime \S+ is not supported",
        "Set a Runtime that Lambda has in this region at the top of the file, for example python3.13.",
    ),
    (
        r"[Aa]rchitecture",
        "Set Architectures at the top of the file to one that Lambda has in this region: [arm64] or [x86_64].",
    ),
    (
        r"[Ll]ayer version",
        "Check Layers at the top of the file: each needs its version, in this region, and open to this account.",
    ),
    # What passes, or what somebody has done meanwhile
    (
        r"CodeSHA256|CodeSha256",
        "The function's code is not the zip of these sources: somebody has changed it in Lambda or in the deployment bucket. "
        "Find out who may, then change a file of lambda_functions/ (a comment is enough), so that the code is sent again.",
    ),
    (
        r"S3 Error Code: NoSuchKey|specified key does not exist",
        "The zip is no longer in the deployment bucket; `fab` uploads it again.",
    ),
    (
        r"NoSuchBucket|specified bucket does not exist",
        "The bucket was removed outside of SyncBuckets.",
    ),
    (
        r"PermanentRedirect|bucket.*(?:different|another|same) region",
        "The bucket is in another region: set AWS_REGION in fabfile_config.py, or another STACK_NAME.",
    ),
    (r"not empty", "Something has written to the bucket meanwhile; `fab delete` empties it."),
    (
        r"hook\(s\) failed|[Hh]ook (?:failed|\S+ failed|invocation)",
        "A CloudFormation hook of the account or the organization refused it: ask whoever set it up.",
    ),
    (
        r"Throttl|Rate exceeded|TooManyRequests",
        "AWS was too busy for this account; it usually works a few minutes later.",
    ),
    (
        r"ResourceConflict|OperationAborted|ConcurrentModification|conflicting conditional operation|state: Pending"
        r"|operation is (?:currently )?in progress",
        "Something else is changing the same resource; it usually works a few minutes later.",
    ),
    (
        r"timed? ?out|[Nn]ot ?[Ss]tabilize|Internal ?(?:Failure|Error)|ServiceUnavailable|Service Unavailable",
        "AWS took too long or failed internally; see https://health.aws.amazon.com if it happens again.",
    ),
)
"""Pattern of the reason, and the sentence that says what to do."""


def cause(cloudformation: Any, stack_id: str, events: Sequence[Event], template: Mapping[str, Any]) -> str:
    """Return what `explain` does, with the findings of CloudFormation's own validation where it was that."""
    explained = explain(events, template)
    if "DescribeEvents" not in explained:
        return explained
    operation_id = next((event.operation_id for event in events if event.status.endswith("_FAILED")), None)
    where = {"OperationId": operation_id} if operation_id else {"StackName": stack_id}
    return f"{explained}\n{validation_details(cloudformation, where, template)}"


def explain(events: Sequence[Event], template: Mapping[str, Any]) -> str:
    """Return the first failure that is a cause, in words.

    Resources that were cancelled because another one had failed, and the stack itself, are not causes.
    """
    first = first_cause(events)
    if first is None:
        reasons = [event.reason for event in events if event.is_stack and event.reason]
        return with_hint(reasons[0], reasons[0]) if reasons else "CloudFormation gave no reason."
    return with_hint(describe(first, template), first.reason)


def first_cause(events: Sequence[Event]) -> Event | None:
    """Return the first failure that is a cause; failing that, the stack's own; None where nothing has failed."""
    failed = [event for event in events if event.status.endswith("_FAILED")]
    causes = [event for event in failed if not event.is_stack and not event.is_cancelled]
    return next(iter(causes or failed), None)


def blocking_events(events: Sequence[Event]) -> list[Event]:
    """Return the resources that keep a stack stuck, each with its last failure.

    Where a rollback failed, those that failed in it: what made it necessary is another matter.
    """
    rollbacks = [
        i for i, event in enumerate(events) if event.is_stack and "ROLLBACK_IN_PROGRESS" in event.status
    ]
    last_part = events[rollbacks[-1] :] if rollbacks else events
    failed = (event for event in last_part if event.status.endswith("_FAILED"))
    return list(
        {event.logical_id: event for event in failed if not (event.is_stack or event.is_cancelled)}.values()
    )


def describe(event: Event, template: Mapping[str, Any]) -> str:
    """Return a failed event as a sentence: the resource, its type, our file, AWS's reason."""
    what = ", ".join(filter(None, (event.resource_type, source_of(event.logical_id, template))))
    return f"{event.logical_id} ({what}) {event.status}: {event.reason or 'no reason given'}"


def with_hint(sentence: str, reason: str) -> str:
    """Return a sentence, and below it what to do about AWS's reason where that is known."""
    advice = hint(reason)
    return f"{sentence}\n{advice}" if advice else sentence


def validation_details(cloudformation: Any, where: Mapping[str, str], template: Mapping[str, Any]) -> str:
    """Return what CloudFormation's own validation found wrong, a line for each finding, "" where it found nothing.

    `where` names a change set, an operation or a stack. Where the details cannot be had, the line says so:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
    """
    if not hasattr(cloudformation, "describe_events"):
        return "  The details could not be read: this boto3 does not know DescribeEvents. Run: pip install -U boto3"
    try:
        return "\n".join(_findings(cloudformation, where, template))
    except (ClientError, BotoCoreError) as error:
        return f"  The details could not be read: {aws_sentence(error)}"


def _findings(cloudformation: Any, where: Mapping[str, str], template: Mapping[str, Any]) -> Iterator[str]:
    request: dict[str, Any] = {**where, "Filters": {"FailedEvents": True}}
    while True:
        page = cloudformation.describe_events(**request)
        for event in page["OperationEvents"]:
            if event.get("ValidationStatusReason"):
                yield _finding(event, template)
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def _finding(event: Mapping[str, Any], template: Mapping[str, Any]) -> str:
    """Return a finding; the resource stands in the path: /Resources/CopyKeys/Properties/Timeout."""
    path = event.get("ValidationPath") or ""
    in_path = path.split("/")[2] if path.startswith("/Resources/") else ""
    logical_id = event.get("LogicalResourceId") or in_path
    source = source_of(logical_id, template)
    kind = " (a warning)" if event.get("ValidationFailureMode") == "WARN" else ""
    place = f"{path or logical_id}{f' ({source})' if source else ''}"
    advice = hint(event["ValidationStatusReason"])
    below = f"\n    {advice}" if advice else ""
    return f"  {place}{kind}: {event['ValidationStatusReason']}{below}"


def hint(reason: str) -> str | None:
    """Return what to do about a reason, None where nothing better than the reason itself is known."""
    for pattern, sentence in HINTS:
        match = re.search(pattern, reason, re.DOTALL)
        if match:
            return sentence.format(*match.groups())
    return None
