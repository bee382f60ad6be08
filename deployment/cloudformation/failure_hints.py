"""What to do about the reasons that AWS gives most often when a resource fails: pure data, and one look-up.

Used by `failures`. The first pattern that is found in the reason counts, so what is special stands before what is
general: an explicit deny also says "not authorized to perform". `{}` is what the pattern's group has found.
"""

from __future__ import annotations

import re

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
        "IAM has not spread the new role everywhere yet; that takes seconds.",
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
        r"S3 Error Code: NoSuchKey|specified key does not exist",
        "The zip has gone from the deployment bucket; `fab` uploads it again.",
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
        "AWS was too busy for this account; a few minutes later it mostly goes well.",
    ),
    (
        r"ResourceConflict|OperationAborted|ConcurrentModification|conflicting conditional operation|state: Pending"
        r"|operation is (?:currently )?in progress",
        "Something else is changing the same resource; a few minutes later it mostly goes well.",
    ),
    (
        r"timed? ?out|[Nn]ot ?[Ss]tabilize|Internal ?(?:Failure|Error)|ServiceUnavailable|Service Unavailable",
        "AWS took too long or failed inside; see https://health.aws.amazon.com if it does so again.",
    ),
)
"""Pattern of the reason, and the sentence that says what to do."""


def hint(reason: str) -> str | None:
    """Return what to do about a reason, None where nothing better than the reason itself is known."""
    for pattern, sentence in HINTS:
        found = re.search(pattern, reason, re.DOTALL)
        if found:
            return sentence.format(*found.groups())
    return None
