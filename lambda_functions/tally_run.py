# ---
# Description: Add up what a run has done so far, decide how it goes on, and report its end
# MemorySize: 1769       # MB
# Timeout: 900           # seconds
# Environment:
#   Variables:
#     WORK_BUCKET: !Ref WorkBucket
#     METRICS_STACK: ${MetricsStack}
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - Sid: ReadTheRecordsAndWriteTheReport
#         Effect: Allow
#         Action: [ s3:GetObject, s3:PutObject, s3:DeleteObject ]
#         Resource: !Sub ${WorkBucket.Arn}/runs/*
#       - Sid: GiveBackTheLeaseOrKeepItForUploads
#         Effect: Allow
#         Action: [ s3:PutObject, s3:DeleteObject ]
#         Resource: !Sub ${WorkBucket.Arn}/leases/*
#       - Sid: FindTheUploads
#         Effect: Allow
#         Action: s3:ListBucket
#         Resource: !GetAtt WorkBucket.Arn
#       - Sid: AbortTheUploadsLeftUnderWay
#         Effect: Allow
#         Action: [ s3:AbortMultipartUpload, s3:ListMultipartUploadParts ]
#         Resource: ${DestinationObjects}
#       - Sid: SeeThatNoPartOfAnEncryptedUploadIsLeft
#         Effect: Allow
#         Action: kms:Decrypt
#         Resource: ${KmsKeys}
# ---
"""Add up a phase of a run.

Event: `{"phase": "comparison" | "copies" | "deletes" | "report", "state": {...}}`, the state being all that the machine carries:
`execution`, `input`, and as far as the run has come `run`, `comparison`, `copies`, `deletes`, `error`. `"broken"` is the phase of
a child of a Map, whose state is `run`, `item`, `error`.
Results: `comparison` -> `{"next": "compare" | "apply" | "report", ...}`; `copies` -> `{"next": "tally" | "delete" | "report",
...}`; `deletes` -> `{"next": "tally" | "report", ...}`; `report` -> `{"outcome": "Succeeded" | "InvalidInput" | ...,
"cause": "...", "executionCause": "...", "report": {...}}`.
"""

from __future__ import annotations

from typing import Any

from lambda_functions.shared.errors import name_errors
from lambda_functions.shared.invocation import LambdaContext, Turn
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.tally.breakage import record_breakage
from lambda_functions.shared.tally.ending import end_run
from lambda_functions.shared.tally.phases import tally_comparison, tally_copies, tally_deletes
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.stopping import StopWatch

PHASES = {
    "broken": record_breakage,
    "comparison": tally_comparison,
    "copies": tally_copies,
    "deletes": tally_deletes,
    "report": end_run,
}
# Those that decide how a run goes on, so they ask whether it is to stop.
GOING_ON = ("comparison", "copies", "deletes")


@name_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return what the phase comes to."""
    run = event["state"].get("run") or {}
    _, destination_region = run.get("regions") or (None, None)
    connected = clients.connect(destination_region, destination_region)
    turn, phase = Turn.of(context), PHASES[event["phase"]]
    if event["phase"] not in GOING_ON:
        return phase(connected, event["state"], turn)
    with StopWatch(RunFolder(connected.work, run["folder"])) as watch:
        return phase(connected, event["state"], watch.watched(turn))
