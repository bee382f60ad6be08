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
#       - Sid: TellAMissingObjectFromAForbiddenOne
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: [ "${SourceBuckets}", "${DestinationBuckets}" ]
#       - Sid: WriteTheDestination
#         Effect: Allow
#         Action: [ s3:PutObject, s3:PutObjectTagging, s3:GetObject, s3:AbortMultipartUpload ]
#         Resource: ${DestinationObjects}
#       - Sid: UseTheKeysOfEncryptedObjects
#         Effect: Allow
#         Action: [ kms:Decrypt, kms:GenerateDataKey ]
#         Resource: ${KmsKeys}
#       - Sid: KeepThePapersOfTheUpload
#         Effect: Allow
#         Action: [ s3:GetObject, s3:PutObject, s3:DeleteObject ]
#         Resource: !Sub ${WorkBucket.Arn}/runs/*
#       - Sid: TellAMissingRecordFromAForbiddenOne
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: !GetAtt WorkBucket.Arn
# ---
"""Do one step of a large copy: `begin`, `parts`, `complete` or `abort`.

Events: `{"step": "begin", "run": {...}, "item": {"id": "large-000001", "line": {...}}, "exact": false}`;
`{"step": "parts", "run", "item", "upload": "large/...json", "group": {"first": 1, "last": 64}}`;
`{"step": "complete", "run", "item", "upload"}`; `{"step": "abort", "run", "item", "upload": {...} or null, "error": {...}}`.
Result: `{"verdict": "copy" | "done" | "again", "upload": "...", "groups": [...], "exact": false}`; `{}` of a group.
"""

from __future__ import annotations

from typing import Any

from lambda_functions.shared import clients
from lambda_functions.shared.large_objects import LargeObject
from lambda_functions.shared.run import Run
from lambda_functions.shared.run_folder import RunFolder
from lambda_functions.shared.turn import LambdaContext, Turn


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the step that the event names."""
    run = Run.from_json(event["run"])
    connected = clients.connect(run.source.region, run.destination.region)
    folder = RunFolder(connected.work, run.folder)
    subject = LargeObject(connected, run, folder, Turn.of(context), event["item"]["id"])
    return STEPS[event["step"]](subject, event)


def _begin(subject: LargeObject, event: dict[str, Any]) -> dict[str, Any]:
    return subject.begin(event["item"]["line"], event["exact"])


def _parts(subject: LargeObject, event: dict[str, Any]) -> dict[str, Any]:
    subject.copy_parts(event["upload"], event["group"])
    return {}


def _complete(subject: LargeObject, event: dict[str, Any]) -> dict[str, Any]:
    return subject.complete(event["upload"])


def _abort(subject: LargeObject, event: dict[str, Any]) -> dict[str, Any]:
    error = event["error"]
    why = f"{error.get('Error', '')}: {error.get('Cause', '')}"[:1000]
    return subject.abort(event["item"]["line"], event["upload"].get("upload", ""), why)


STEPS = {"begin": _begin, "parts": _parts, "complete": _complete, "abort": _abort}
