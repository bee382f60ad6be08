# ---
# Description: Compare one key range of both buckets and plan what is to be done there
# MemorySize: 1769       # MB; one whole processor
# Timeout: 600           # seconds
# Environment:
#   Variables:
#     WORK_BUCKET: !Ref WorkBucket
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - Sid: ListTheBuckets
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: [ "${SourceBuckets}", "${DestinationBuckets}" ]
#       - Sid: AskForUndecidedKeys
#         Effect: Allow
#         Action: [ s3:GetObject, s3:GetObjectTagging ]
#         Resource: [ "${SourceObjects}", "${DestinationObjects}" ]
#       - Sid: ReadChecksumsOfEncryptedObjects
#         Effect: Allow
#         Action: kms:Decrypt
#         Resource: ${KmsKeys}
#       - Sid: WriteThePlan
#         Effect: Allow
#         Action: [ s3:GetObject, s3:PutObject ]
#         Resource: !Sub ${WorkBucket.Arn}/runs/*
#       - Sid: TellAMissingRecordFromAForbiddenOne
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: !GetAtt WorkBucket.Arn
# ---
"""Compare one range, changing nothing.

Event: `{"run": {...}, "wave": 1, "range": {"id": "1-0001", "after": null, "upTo": "m"}}`. Result: `{"id": "1-0001"}`; everything
else is in the record `compared/1-0001.json`.
"""

from __future__ import annotations

from typing import Any

from lambda_functions.shared.compare.compare import budget_seconds, compare_once
from lambda_functions.shared.errors import name_errors
from lambda_functions.shared.invocation import LambdaContext, Turn
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.stopping import StopWatch


@name_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Leave a record of the range, unless there is one already."""
    run, key_range = Run.from_json(event["run"]), KeyRange.from_json(event["range"])
    turn = Turn.of(context, budget_seconds(event["wave"]))
    connected = clients.connect(run.source.region, run.destination.region)
    with StopWatch(RunFolder(connected.work, run.folder)) as watch:
        compare_once(connected, run, event["range"]["id"], key_range, watch.watched(turn))
    return {"id": event["range"]["id"]}
