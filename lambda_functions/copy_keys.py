# ---
# Description: Copy the objects of one shard
# MemorySize: 1769       # MB; one whole processor
# Timeout: 900           # seconds
# Environment:
#   Variables:
#     WORK_BUCKET: !Ref WorkBucket
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - Sid: ReadTheSource
#         Effect: Allow
#         Action: [ s3:GetObject, s3:GetObjectTagging, s3:GetObjectAttributes ]
#         Resource: ${SourceObjects}
#       - Sid: ReadLocksAndAnnotationsOfTheSource
#         Effect: Allow
#         Action:
#           [ s3:GetObjectRetention, s3:GetObjectLegalHold, s3:ListObjectAnnotations, s3:GetObjectAnnotation ]
#         Resource: ${SourceObjects}
#       - Sid: RestoreArchivedSources
#         Effect: Allow
#         Action: s3:RestoreObject
#         Resource: ${SourceObjects}
#       - Sid: TellAMissingObjectFromAForbiddenOne
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: [ "${SourceBuckets}", "${DestinationBuckets}" ]
#       - Sid: WriteTheDestination
#         Effect: Allow
#         Action: [ s3:PutObject, s3:PutObjectTagging, s3:GetObject, s3:AbortMultipartUpload ]
#         Resource: ${DestinationObjects}
#       - Sid: LockAndAnnotateCopies
#         Effect: Allow
#         Action: [ s3:PutObjectRetention, s3:PutObjectLegalHold, s3:PutObjectAnnotation ]
#         Resource: ${DestinationObjects}
#       - Sid: GiveTheBucketsOwnerFullControlAndNobodyElse
#         Effect: Allow
#         Action: s3:PutObjectAcl
#         Resource: ${DestinationObjects}
#         Condition:
#           StringEquals: { s3:x-amz-acl: bucket-owner-full-control }
#       - Sid: FindUploadsWhoseAnswerWasLost
#         Effect: Allow
#         Action: s3:ListBucketMultipartUploads
#         Resource: ${DestinationBuckets}
#       - Sid: UseTheKeysOfEncryptedObjects
#         Effect: Allow
#         Action: [ kms:Decrypt, kms:GenerateDataKey ]
#         Resource: ${KmsKeys}
#       - Sid: ReadTheShardAndWriteTheRecord
#         Effect: Allow
#         Action: [ s3:GetObject, s3:PutObject, s3:DeleteObject ]
#         Resource: !Sub ${WorkBucket.Arn}/runs/*
#       - Sid: ReadTheLease
#         Effect: Allow
#         Action: s3:GetObject
#         Resource: !Sub ${WorkBucket.Arn}/leases/*
#       - Sid: TellAMissingRecordFromAForbiddenOne
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: !GetAtt WorkBucket.Arn
# ---
"""Copy the objects of one shard, as many as one turn holds.

Event: `{"run": {...}, "shard": {"id": "copy-000001", "file": "copy/...jsonl", "objects": 2000, "bytes": 123,
"planned": 250000}, "start": 0, "turns": 0}`, `planned` being the objects that the whole run copies.
Result: `{"done": false, "next": 1500, "fail": false, "turns": 1}`, `fail` being for a shard that a stop keeps from beginning;
what became of each object is in the record `copied/copy-000001-0.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambda_functions.shared.apply import worker
from lambda_functions.shared.apply.copier import COPY_THREADS, Copier, seconds_needed, timeout_outcome
from lambda_functions.shared.errors import name_errors
from lambda_functions.shared.invocation import LambdaContext, run_jobs
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.work_bucket.shards import take_turn
from lambda_functions.shared.work_items import ToCopy


@name_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Copy, and say where to go on."""
    with worker.begin(event, event["shard"], context, COPY_THREADS) as ours:
        copier = Copier(ours.clients, ours.run, ours.folder, ours.turn, gate=ours.gate)

        def copy_all(lines: Sequence[Mapping[str, Any]]) -> Iterator[Outcome]:
            jobs = run_jobs(
                map(ToCopy.from_json, lines), copier.copy, timeout_outcome, ours.turn, COPY_THREADS,
                lambda item: seconds_needed(0 if item.restore else item.size), ours.gate.limit,
            )  # fmt: skip
            return (outcome for _, outcome in jobs)

        done = take_turn(
            ours.folder, "copied", event["shard"], event["start"], ours.turn, ours.clients, copy_all
        )
        return {"fail": False, **done, "turns": event["turns"] + 1}
