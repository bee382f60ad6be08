# ---
# Description: Delete the orphans of one shard
# MemorySize: 1769       # MB; one whole processor
# Timeout: 900           # seconds
# Environment:
#   Variables:
#     WORK_BUCKET: !Ref WorkBucket
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - Sid: AskTheSource
#         Effect: Allow
#         Action: s3:GetObject
#         Resource: ${SourceObjects}
#       - Sid: TellAMissingObjectFromAForbiddenOne
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: [ "${SourceBuckets}", "${DestinationBuckets}" ]
#       - Sid: DeleteOnlyWhatWasListed
#         Effect: Allow
#         Action: [ s3:DeleteObject, s3:GetObject ]
#         Resource: ${DestinationObjects}
#       - Sid: AskForEncryptedObjects
#         Effect: Allow
#         Action: kms:Decrypt
#         Resource: ${KmsKeys}
#       - Sid: ReadTheShardAndWriteTheRecord
#         Effect: Allow
#         Action: [ s3:GetObject, s3:PutObject ]
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
"""Delete the orphans of one shard, as many as one turn holds.

Event: `{"run": {...}, "shard": {"id": "delete-000001", "file": "delete/...jsonl", "objects": 2000, "bytes": 123,
"planned": 250000}, "start": 0, "turns": 0}`, `planned` being the objects that the whole run deletes.
Result: `{"done": true, "next": 2000, "fail": false, "turns": 1}`, `fail` being for a shard that a stop keeps from beginning; what
became of each object is in the record `deleted/delete-000001-0.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambda_functions.shared.apply import worker
from lambda_functions.shared.apply.deleter import HEAD_THREADS, Deleter, batches
from lambda_functions.shared.errors import name_errors
from lambda_functions.shared.invocation import LambdaContext
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.work_bucket.shards import take_turn
from lambda_functions.shared.work_items import ToDelete

# Kept free before another batch is begun: 1,000 HEADs in 32 threads, or 31 in one, and one DeleteObjects take a few seconds.
SECONDS_PER_BATCH = 120.0


@name_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Delete, and say where to go on."""
    with worker.begin(event, event["shard"], context, HEAD_THREADS) as ours:
        deleter = Deleter(ours.clients, ours.run, ours.turn, gate=ours.gate)

        def delete_all(lines: Sequence[Mapping[str, Any]]) -> Iterator[Outcome]:
            for number, batch in enumerate(batches([ToDelete.from_json(line) for line in lines], ours.gate)):
                if ours.turn.is_stopped() or (number and ours.turn.remaining_seconds() < SECONDS_PER_BATCH):
                    return
                yield from deleter.delete(batch)

        done = take_turn(
            ours.folder, "deleted", event["shard"], event["start"], ours.turn, ours.clients, delete_all
        )
        return {"fail": False, **done, "turns": event["turns"] + 1}
