"""The API calls of every task of `fab`, also those of failures and of what is done but once."""

from __future__ import annotations

from collections.abc import Mapping

_FIND_MACHINES = ("states:ListStateMachines", "states:ListTagsForResource")
_FIND_STACK = ("cloudformation:DescribeStacks", "cloudformation:ListChangeSets")
_DEPLOYED = (
    *_FIND_MACHINES,
    "states:DescribeStateMachine",
    "states:ListExecutions",
    "lambda:ListVersionsByFunction",
    "lambda:GetAccountSettings",
)
_WATCH_EXECUTIONS = (
    "states:DescribeExecution",
    "states:GetExecutionHistory",
    "states:ListMapRuns",
    "states:DescribeMapRun",
    "s3:ListObjectsV2",
    "s3:GetObject",
)
_PLAN = (
    "sts:GetCallerIdentity",
    "s3:ListObjectsV2",
    *_FIND_STACK,
    "cloudformation:CreateChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DeleteChangeSet",
    "cloudformation:GetTemplate",
    *_FIND_MACHINES,
    "states:DescribeStateMachine",
    "lambda:GetAccountSettings",
    "states:ListExecutions",  # of what calls a function that goes
    "cloudformation:DescribeStackEvents",  # whose operation keeps the stack busy
)

# One list a task. Tasks that only look at files, and those on the emulator, call nothing.
TASKS: Mapping[str, tuple[str, ...]] = {
    "deploy": (
        *_PLAN,
        "s3:PutObject",
        "cloudformation:DeleteStack",  # the empty one that a change set for a new stack leaves
        "s3:CreateBucket",
        "s3:DeleteBucket",
        "s3:PutBucketEncryption",
        "s3:PutBucketLifecycleConfiguration",
        "s3:PutBucketPolicy",
        "s3:PutBucketTagging",
        "s3:PutPublicAccessBlock",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:UpdateTerminationProtection",
        "states:CreateStateMachine",
    ),
    "plan": _PLAN,
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
    "recover": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        "cloudformation:GetTemplate",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeEvents",
        "cloudformation:ContinueUpdateRollback",
    ),
    "sync": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "states:StartExecution",
        *_WATCH_EXECUTIONS,
    ),
    "verify": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "states:StartExecution",
        *_WATCH_EXECUTIONS,
    ),
    "follow": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "states:ListExecutions",
        *_WATCH_EXECUTIONS,
    ),
    "stop": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "states:ListExecutions",
        "states:DescribeStateMachine",
        "s3:PutObject",
        "states:UpdateMapRun",
        "states:StopExecution",
        *_WATCH_EXECUTIONS,
    ),
    "report": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "states:ListExecutions",
        "states:DescribeExecution",
        "s3:GetObject",
        "s3:ListObjectsV2",  # the times in its page
    ),
    "status": (
        "sts:GetCallerIdentity",
        "sns:ListSubscriptionsByTopic",  # of the topic of the notices
        *_FIND_STACK,
        *_DEPLOYED,
        *_WATCH_EXECUTIONS,
    ),
    "policies": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        "cloudformation:ListStackResources",  # the functions' roles
        "s3:HeadBucket",
        "s3:GetBucketRequestPayment",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketEncryption",
    ),
    "syncs": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "states:ListExecutions",
        "states:DescribeExecution",
    ),
    "logs": ("sts:GetCallerIdentity", "logs:FilterLogEvents"),
    "watch": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        "cloudformation:GetTemplate",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeEvents",
    ),
    "definition --deployed": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "states:DescribeStateMachine",
    ),
    "versions": ("sts:GetCallerIdentity", *_FIND_STACK, *_DEPLOYED),
    "rollback": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "states:DescribeStateMachine",
        "states:ListExecutions",
        "lambda:GetFunctionConfiguration",
        "iam:GetRole",
        "s3:HeadBucket",
        "states:CreateStateMachine",
    ),
    "prune": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "cloudformation:ListStackResources",
        "states:DescribeStateMachine",
        "states:ListExecutions",
        "states:DeleteStateMachine",
        "lambda:ListVersionsByFunction",
        "lambda:DeleteFunction",
    ),
    "delete": (
        "sts:GetCallerIdentity",
        *_FIND_STACK,
        *_FIND_MACHINES,
        "cloudformation:GetTemplate",
        "cloudformation:DescribeStackResource",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeEvents",
        "cloudformation:DeleteStack",
        "states:ListExecutions",
        "states:StopExecution",
        "states:DeleteStateMachine",
        "s3:ListObjectVersions",
        "s3:DeleteObjects",
    ),
}

# What the schedules of syncs add: only where a sync has one.
_FIND_SCHEDULES = ("scheduler:ListSchedules",)
_READ_SCHEDULES = (*_FIND_SCHEDULES, "scheduler:GetSchedule")
_PAUSE = ("sts:GetCallerIdentity", *_FIND_STACK, "scheduler:GetSchedule", "scheduler:UpdateSchedule")
SCHEDULED: Mapping[str, tuple[str, ...]] = {
    "deploy": (
        *_READ_SCHEDULES,
        "scheduler:CreateSchedule",
        "scheduler:UpdateSchedule",
        "scheduler:DeleteSchedule",
    ),
    "plan": _READ_SCHEDULES,
    "pause": _PAUSE,
    "resume": _PAUSE,
    "syncs": _READ_SCHEDULES,
    "status": (*_FIND_SCHEDULES, "sqs:GetQueueAttributes"),
    "rollback": (*_READ_SCHEDULES, "scheduler:UpdateSchedule"),
    "prune": _FIND_SCHEDULES,
    "delete": (*_FIND_SCHEDULES, "scheduler:DeleteSchedule"),
}
