# ---
# Description: Compare both buckets, as far as one worker comes, and add up what it found
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
"""Begin the comparison with one range for all keys: for most buckets that is the whole of it.

Starting workers for ranges takes longer than reading a million keys. What is left when the turn is over is handed back in ranges
that are cut by what was read, and compared by many workers. A run that carries out the plan of a dry run compares nothing: what
the dry run has compared is added up once more.

Event: `{"run": {...}}`. Result: that of `tally_run` after a wave, see `phases.tally_comparison`: the plan, or the next wave.

At the end of a run that verifies, the same comparison once more. Event: `{"phase": "verify", "state": {...}}`, the state being
all that the machine carries. Result: see `verify.verify_once`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambda_functions.shared.compare.compare import budget_seconds, compare_once
from lambda_functions.shared.compare.verify import verify_once
from lambda_functions.shared.compare.waves import range_id, write_wave
from lambda_functions.shared.errors import name_errors
from lambda_functions.shared.invocation import LambdaContext, Turn
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.tally.phases import tally_comparison, tally_plan
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.stopping import StopWatch

FIRST_WAVE = 1


@name_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Leave the index of the first wave, its one record, and what follows from that; what is there already is not made again."""
    state = event.get("state") or event
    run = Run.from_json(state["run"])
    turn = Turn.of(context, budget_seconds(FIRST_WAVE))
    connected = clients.connect(run.source.region, run.destination.region)
    folder = RunFolder.of(connected.work, run)
    with StopWatch(folder) as watch:
        turn = watch.watched(turn)
        if event.get("phase") == "verify":
            return verify_once(connected, run, state, turn, Turn.of(context))
        if run.plan:
            return tally_plan(connected, run, run.plan, turn)
        return _compare(event["run"], connected, run, turn)


def _compare(state: Mapping[str, Any], connected: clients.Clients, run: Run, turn: Turn) -> dict[str, Any]:
    folder, key_range = RunFolder.of(connected.work, run), KeyRange(run.options.startAfter, None)
    index = write_wave(folder, FIRST_WAVE, [key_range.to_json()])
    record = compare_once(connected, run, range_id(FIRST_WAVE, 1), key_range, turn)
    comparison = {"wave": FIRST_WAVE, **index}
    return tally_comparison(connected, {"run": state, "comparison": comparison}, turn, [record])
