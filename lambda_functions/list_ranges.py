# ---
# Description: Write the index of the first wave, one range with all keys
# MemorySize: 512        # MB
# Timeout: 300           # seconds
# Environment:
#   Variables:
#     WORK_BUCKET: !Ref WorkBucket
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - Sid: WriteTheIndex
#         Effect: Allow
#         Action: [ s3:GetObject, s3:PutObject ]
#         Resource: !Sub ${WorkBucket.Arn}/runs/*
#       - Sid: TellAMissingIndexFromAForbiddenOne
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: !GetAtt WorkBucket.Arn
# ---
"""Begin the comparison with one range for all keys: waves cut what turns out to be much.

Most buckets are compared by one worker in the first wave, and every range costs LISTs that its keys do not need. What that worker
leaves is cut according to what it has read.

Event: `{"run": {...}}`. Result: `{"wave": 1, "index": "runs/.../ranges/1.json", "items": 1, "sha256": "..."}`.
"""

from __future__ import annotations

from typing import Any

from lambda_functions.shared.compare.waves import write_wave
from lambda_functions.shared.errors import name_errors
from lambda_functions.shared.invocation import LambdaContext
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.work_bucket.run_folder import RunFolder


@name_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Write the index of the first wave and return where it is."""
    run = Run.from_json(event["run"])
    folder = RunFolder(clients.client("s3"), run.folder)
    return {"wave": 1, **write_wave(folder, 1, [KeyRange(run.options.startAfter, None).to_json()])}
