"""Which sync of SYNCS an execution is a run of: executions with the names that their inputs have, the newest first.

Step Functions does not look for inputs, so executions are asked for theirs one by one. Their number is bounded; what was not
found among so many is not known, rather than never run.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import is_missing
from deployment.aws.installation import Installation
from deployment.step_functions import executions, listing

MAX_EXECUTIONS = 200
"""That are asked for their input: about two seconds."""

MAX_MACHINES = 20
"""The newest, each of which takes a request for its list."""

AT_A_TIME = 8


@dataclass(frozen=True)
class NamedRun:
    """DescribeExecution's answer, {} where the execution has gone since it was listed, and the name that its input has.

    `is_dry` is whether it was only to compare; what carries out a plan has the name of the plan's dry run, and is not dry.
    """

    described: Mapping[str, Any]
    name: str | None
    is_dry: bool


def newest_first(installation: Installation, machine_arns: Iterable[str]) -> Iterator[NamedRun]:
    """Yield the executions of some machines with their names, MAX_EXECUTIONS at most."""
    lists = [listing.executions_of(installation, arn) for arn in machine_arns]
    records = heapq.merge(*lists, key=_started_at, reverse=True)
    return with_names(installation, (record["executionArn"] for record in islice(records, MAX_EXECUTIONS)))


def with_names(installation: Installation, execution_arns: Iterable[str]) -> Iterator[NamedRun]:
    """Yield executions with their names, in their order; so many are asked at a time as whoever reads on will need."""
    waiting = iter(execution_arns)
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="named-run") as pool:
        while some := list(islice(waiting, AT_A_TIME)):
            yield from pool.map(lambda arn: _ask(installation, arn), some)


def _started_at(record: Mapping[str, Any]) -> datetime:
    moment: datetime = record["startDate"]
    return moment


def _ask(installation: Installation, arn: str) -> NamedRun:
    described = _describe(installation, arn)
    given = executions.input_of(described)
    asked = executions.asked_of(installation, given)
    name = asked.get("name")
    is_dry = asked is given and bool(given.get("dryRun"))
    return NamedRun(described, name if isinstance(name, str) else None, is_dry)


def _describe(installation: Installation, arn: str) -> Mapping[str, Any]:
    """Return DescribeExecution's answer, nothing where the execution has gone since it was listed."""
    try:
        return executions.describe(installation, arn)
    except ClientError as error:
        if not is_missing(error):
            raise
        return {}
