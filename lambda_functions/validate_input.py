# ---
# Description: Check the input, ask both buckets, take the lease on the destination
# MemorySize: 512        # MB
# Timeout: 60            # seconds
# Environment:
#   Variables:
#     WORK_BUCKET: !Ref WorkBucket
#     DEPLOYMENT_BUCKET: ${DeploymentBucket}
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - Sid: AskTheBuckets
#         Effect: Allow
#         Action: [ s3:ListBucket, s3:GetBucketTagging ]
#         Resource: [ "${SourceBuckets}", "${DestinationBuckets}" ]
#       - Sid: AskWhetherTheDestinationHasObjectLock
#         Effect: Allow
#         Action: s3:GetBucketObjectLockConfiguration
#         Resource: ${DestinationBuckets}
#       - Sid: AbortWhatADeadRunLeft
#         Effect: Allow
#         Action: [ s3:AbortMultipartUpload, s3:ListMultipartUploadParts ]
#         Resource: ${DestinationObjects}
#       - Sid: SeeThatNoPartOfAnEncryptedUploadIsLeft
#         Effect: Allow
#         Action: kms:Decrypt
#         Resource: ${KmsKeys}
#       - Sid: FindLeases
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: !GetAtt WorkBucket.Arn
#       - Sid: TakeTheLease
#         Effect: Allow
#         Action: [ s3:GetObject, s3:PutObject, s3:DeleteObject ]
#         Resource: !Sub ${WorkBucket.Arn}/leases/*
#       - Sid: RemoveTheUploadsOfADeadRun
#         Effect: Allow
#         Action: [ s3:GetObject, s3:DeleteObject ]
#         Resource: !Sub ${WorkBucket.Arn}/runs/*
#       - Sid: WriteDownWhoCarriesOutAPlan
#         Effect: Allow
#         Action: s3:PutObject
#         Resource: !Sub ${WorkBucket.Arn}/runs/*/applied-by.json
#       - Sid: AskWhetherAnotherRunIsAlive
#         Effect: Allow
#         Action: states:DescribeExecution
#         Resource: ${StateMachineExecutions}
# ---
"""Check an execution's input and return its run, or why it is refused.

Event: `{"input": {"source": "a", "destination": "b"}, "execution": {"id", "name", "startTime", "stateMachine"},
"defaults": {"maxConcurrency": 20, "maxDelete": null, "runRetentionDays": 30}}`; or an input that names the plan of a dry run,
`{"plan": "machine/execution"}`, from which all options come.
Result: the run (see `shared/run.py`) with `"verdict": "valid"` and `"warnings"`, what the options do not do and what could not be
cleaned up after dead runs; or `{"verdict": "refused", "error": "InvalidInput", "cause"}`; both with `"requests"`, what was sent
to the two buckets.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from lambda_functions.shared.apply.uploads import abort_all, first_problems
from lambda_functions.shared.errors import Refused, name_errors
from lambda_functions.shared.invocation import LambdaContext, Turn
from lambda_functions.shared.options import parse, require_valid
from lambda_functions.shared.plan_input import names_plan
from lambda_functions.shared.run import Run, option_warnings
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.abilities import refuse_impossible
from lambda_functions.shared.s3.botocore_version import refuse_older_botocore
from lambda_functions.shared.s3.heads import ask_buckets
from lambda_functions.shared.s3.installations import refuse_own_buckets, refuse_tagged_buckets
from lambda_functions.shared.work_bucket.approved_plans import approve, retention_warnings, take
from lambda_functions.shared.work_bucket.executions import asking
from lambda_functions.shared.work_bucket.leases import Leases
from lambda_functions.shared.work_bucket.run_folder import RunFolder, work_bucket

# Of what could not be cleaned up; they travel with the run through every state.
NAMED_WARNINGS = 3
# Of this function's 60, for comparing the checksums of a plan's files.
CHECK_SECONDS = 25.0


@name_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return the run, or the refusal."""
    connected = clients.connect(None, None)
    try:
        run = _validate(event, connected, Turn.of(context, CHECK_SECONDS))
        warnings = option_warnings(run.options)
        if run.options.dryRun:
            warnings += retention_warnings(event["defaults"]["runRetentionDays"])
        else:
            warnings += _take_lease(run, connected)
        if run.plan:
            take(connected.work, run, run.plan)
    except Refused as refused:
        counts = connected.requests.counts()
        return {"verdict": "refused", "error": refused.error, "cause": refused.cause, "requests": counts}
    counts = connected.requests.counts()
    return {"verdict": "valid", **run.to_json(), "warnings": warnings, "requests": counts}


def _validate(event: dict[str, Any], connected: clients.Clients, turn: Turn) -> Run:
    refuse_older_botocore()
    given, defaults, plan = event["input"], event["defaults"], None
    if names_plan(given):
        require_valid(given, defaults)
        approved = approve(connected.work, given, event["execution"], defaults["runRetentionDays"], turn)
        options, plan = approved.options, approved.applied
    else:
        options = parse(given, defaults)
    refuse_own_buckets(options, {work_bucket(), os.environ.get("DEPLOYMENT_BUCKET", "")})
    regions, s3_time = ask_buckets(connected.source, options)
    refuse_tagged_buckets(connected.source, options)
    refuse_impossible(connected.source, options)
    return replace(Run.of(event["execution"], options, regions, s3_time), plan=plan)


def _take_lease(run: Run, connected: clients.Clients) -> list[str]:
    """Take the lease; return what dead runs have left and could not be cleaned up."""
    destination = clients.client("s3", run.destination.region)
    leases = Leases(connected.work, work_bucket(), asking(clients.client("stepfunctions")))

    def clean_up(folder: str) -> list[str]:
        return abort_all(RunFolder(connected.work, folder, is_older=True), destination)

    return first_problems(leases.take(run, clean_up), NAMED_WARNINGS)
