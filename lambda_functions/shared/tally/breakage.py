"""What broke: the record that a child of a Map leaves before it fails, and what a run's cause says of it.

A Map that breaks only says that too many of its children failed. So each child leaves `broken/<item>.json` first: what was
refused, by which bucket, with what code. It is looked for where an item of an index has no record up to its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from lambda_functions.shared.errors import cut_cause, message_of
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_bucket.run_folder import RunFolder

# `SlowDown: Please reduce your request rate. (CopyObject of bucket photos)`, as `errors.describe_with_bucket` writes it.
_REQUEST = re.compile(
    r"(?P<code>[\w.]+): .*\((?P<request>\w+)(?: of bucket (?P<bucket>[^)\s]+))?\)", re.DOTALL
)
_FILE = re.compile(r"s3://\S+/runs/\S+")
# Of a Task's error names, those that Step Functions gives itself: whether the Lambda has ended is not known
# (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation).
# Every other name is Lambda's word that the invocation is over: the class of an exception, Sandbox.Timedout, Runtime.ExitError.
_UNKNOWN_END = ("States.", "Lambda.")


@dataclass(frozen=True)
class Breakage:
    """What ended the work on one item of an index, such as `copy-000001`."""

    item: str
    error: str
    cause: str
    code: str = ""
    request: str = ""
    bucket: str = ""
    side: str = ""
    path: str = ""

    def has_ended(self) -> bool:
        """Whether Lambda said that the invocation is over, so that nothing of it can still be writing."""
        return bool(self.error) and not self.error.startswith(_UNKNOWN_END)

    def describe(self) -> str:
        """Return `copy-000001: SlowDown: Please reduce your request rate. (CopyObject of bucket photos)`."""
        side = f", the {self.side}" if self.side else ""
        return f"{self.item}: {self.cause}{side}"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Breakage:
        """Return what `record_breakage` wrote."""
        return cls(**{each.name: data[each.name] for each in fields(cls)})


def name_of(item: str) -> str:
    """Return the name of the record of what broke one item."""
    return f"broken/{item}.json"


def record_breakage(clients: Clients, state: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """Write down what broke a child, whose state is `{"run", "item": {"id", ...}, "error": {"Error", "Cause"}}`.

    Returns `{"cause"}`, for the child to fail with.
    """
    run = Run.from_json(state["run"])
    breakage = read_error(run, state["item"]["id"], state["error"])
    folder = RunFolder.of(clients.work, run)
    folder.write(name_of(breakage.item), asdict(breakage))
    return {"cause": cut_cause(breakage.describe(), folder.address(name_of(breakage.item)))}


def read_error(run: Run, item: str, error: Mapping[str, str]) -> Breakage:
    """Return what a Catch has got, taken apart; pure."""
    name, message = error.get("Error", ""), message_of(error.get("Cause", ""))
    request, file = _REQUEST.search(message), _FILE.search(message)
    refused = request.groupdict(default="") if request else {"code": "", "request": "", "bucket": ""}
    sides = {run.source.bucket: "source", run.destination.bucket: "destination"}
    return Breakage(
        item,
        name,
        message if request else f"{name}: {message}",
        **refused,
        side=sides.get(refused["bucket"], ""),
        path=file[0].rstrip(".,") if file else "",
    )


def read_breakages(folder: RunFolder, items: Sequence[str]) -> list[Breakage]:
    """Return what broke those of these items that have left a record of it."""
    documents = folder.read_many([name_of(item) for item in items])
    return [Breakage.from_json(document) for document in documents if document]
