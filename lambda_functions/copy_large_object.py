# ---
# Description: One step in the copy of one very large object
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
#       - Sid: KeepTheRecordsOfTheUpload
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
"""Do one step of a large copy: `begin`, `parts`, `complete` or `abort`.

Event: `{"step": "begin", "run": {...}, "item": {"id": "large-000001", "line": {...}}, "upload": {"verdict": "again",
"line": null, "exact": false, "tries": 0, "upload": "", "groups": []}}`, `upload` being what the step before returned; `parts`
also has `"group": {"first": 1, "last": 64}`, `abort` also `"error": {"Error", "Cause"}`.
Result: the next `upload`, its verdict `copy` (groups are to be copied), `again` (begin again), `done`, or `stop` (to fail, as the
run stops); `{}` of a group.
"""

from __future__ import annotations

from typing import Any

from lambda_functions.shared.apply import worker
from lambda_functions.shared.apply.copier import COPY_THREADS
from lambda_functions.shared.apply.large_objects import LargeObject
from lambda_functions.shared.errors import message_of, name_errors
from lambda_functions.shared.invocation import LambdaContext
from lambda_functions.shared.work_items import ToCopy


@name_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the step that the event names."""
    item = event["item"]
    with worker.begin(event, item, context, COPY_THREADS) as ours:
        subject = LargeObject(ours.clients, ours.run, ours.folder, ours.turn, item["id"], ours.gate)
        return STEPS[event["step"]](subject, event)


def _begin(subject: LargeObject, event: dict[str, Any]) -> dict[str, Any]:
    return subject.begin(_item_of(event), event["upload"]["exact"], event["upload"]["tries"])


def _parts(subject: LargeObject, event: dict[str, Any]) -> dict[str, Any]:
    subject.copy_parts(event["upload"]["upload"], event["group"])
    return {}


def _complete(subject: LargeObject, event: dict[str, Any]) -> dict[str, Any]:
    return subject.complete(event["upload"]["upload"])


def _abort(subject: LargeObject, event: dict[str, Any]) -> dict[str, Any]:
    error = event["error"]
    why = f"{error.get('Error', '')}: {message_of(error.get('Cause', ''))}"
    return subject.abort(_item_of(event), event["upload"]["upload"], why)


def _item_of(event: dict[str, Any]) -> ToCopy:
    """Return the object as the step before has left it, at first as it was listed."""
    return ToCopy.from_json(event["upload"]["line"] or event["item"]["line"])


STEPS = {"begin": _begin, "parts": _parts, "complete": _complete, "abort": _abort}
