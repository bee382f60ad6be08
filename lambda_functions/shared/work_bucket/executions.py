"""Asking Step Functions about the executions that leases name, and until when one of them may still write."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared.errors import is_missing_execution

# The longest that a Lambda goes on after its execution was ended: the workers' timeout, and half a minute.
STRAGGLERS_SECONDS = 930
STRAGGLERS_MINUTES = math.ceil(STRAGGLERS_SECONDS / 60)
# How long a run counts whose end nobody can tell.
UNTIL_ITS_END = "it has ended"
RUNNING, MISSING, UNKNOWN = "RUNNING", "missing", "unknown"


@dataclass(frozen=True)
class Execution:
    """An execution as Step Functions knows it: its status, or `MISSING`, or `UNKNOWN` where nothing could be learnt.

    `ended_at` is None unless Step Functions says that it has ended: what is missing may only be too new to be known there.
    """

    status: str
    ended_at: datetime | None = None
    input: str = ""

    def source(self) -> tuple[str, str] | None:
        """Return bucket and prefix that the execution reads, as its input says; None if that cannot be read."""
        try:
            options = json.loads(self.input)
        except ValueError:
            return None
        options = options if isinstance(options, dict) else {}
        bucket, prefix = options.get("source"), options.get("prefix", "")
        return (bucket, prefix) if isinstance(bucket, str) and isinstance(prefix, str) else None


Ask = Callable[[str], Execution]


def asking(client: Any) -> Ask:
    """Return what tells of an execution by its ARN, asked once each."""

    @functools.cache
    def ask(arn: str) -> Execution:
        try:
            found = client.describe_execution(executionArn=arn)
        except ClientError as error:
            return Execution(MISSING if is_missing_execution(error) else UNKNOWN)
        except BotoCoreError:
            return Execution(UNKNOWN)
        ended_at = None if found["status"] == RUNNING else found["stopDate"]
        return Execution(found["status"], ended_at, found.get("input", ""))

    return ask


def busy_until(execution: Execution, missing_since: datetime, now: datetime) -> str:
    """Return until when an execution may still write, "" if it may not.

    Its Lambdas may go on for a while after its end. One that is missing counts for as long from the moment when that was first
    seen: it may just have been deleted, or have begun, as DescribeExecution is eventually consistent
    (https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html).
    """
    ended_at = missing_since if execution.status == MISSING else execution.ended_at
    if ended_at is None:
        return UNTIL_ITS_END
    end = ended_at + timedelta(seconds=STRAGGLERS_SECONDS)
    return f"{end.astimezone(UTC):%H:%M:%S} UTC, when its last Lambda must be over" if end > now else ""
