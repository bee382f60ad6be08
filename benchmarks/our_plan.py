"""Our planning in one process, the very code of the Lambda: `python -m benchmarks.our_plan [--botocore] [--all-metadata]`.

`--botocore` reads every page with botocore's own parser, as if all of them were unusual; `--all-metadata` asks for the metadata
of every object that is otherwise current. One range holds all keys, one turn has no end, the papers are in the endpoint's `work`
bucket. Prints one line of JSON: the plan, what was handed back (nothing, or it was not a whole comparison), and how
many pages were left to botocore's parser, and the seconds that it took without the start of Python.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from lambda_functions.shared.compare import compare
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.options import parse
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.listing import KeyRange

HOUR_MS = 3_600_000


class _Context:
    """Lambda's context, with more time than is needed."""

    aws_request_id = "benchmark"

    def get_remaining_time_in_millis(self) -> int:
        return HOUR_MS


def plan(**more: Any) -> dict[str, Any]:
    """Compare `source` and `destination`, with `more` options, and return the record of the range."""
    defaults = {"maxConcurrency": 40, "maxDelete": None}
    options = parse({"source": "source", "destination": "destination", **more}, defaults)
    execution = {
        "id": "arn:aws:states:us-east-1:000000000000:execution:benchmark:one",
        "name": "one",
        "startTime": "2026-06-01T00:00:00Z",
        "stateMachine": "benchmark",
    }
    run = Run.of(execution, options, ("us-east-1", "us-east-1"))
    connected = clients.connect("us-east-1", "us-east-1")
    return compare.compare(connected, run, "1-0001", KeyRange(), Turn.of(_Context()))


def main(arguments: list[str]) -> None:
    """Print the plan's counts."""
    os.environ["WORK_BUCKET"] = "work"
    if "--botocore" in arguments:
        vars(clients)["parse"] = lambda body: None
    began = time.monotonic()
    record = plan(**({"compareMetadata": "all"} if "--all-metadata" in arguments else {}))
    seconds, shards = time.monotonic() - began, record["shards"]
    print(
        json.dumps(
            {
                "copy": sum(shard["objects"] for shard in shards["copy"] + shards["large"]),
                "delete": sum(shard["objects"] for shard in shards["delete"]),
                "handed_back": len(record["handedBack"]),
                "unusual_pages": record.get("unusualPages"),
                "seconds": seconds,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
