"""What a worker has that writes into the destination: its clients, its turn, and how much may be in flight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lambda_functions.shared.apply.in_flight import Gate, gate_of
from lambda_functions.shared.invocation import LambdaContext, Turn
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_bucket.leases import require_lease
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.stopping import StopWatch


@dataclass(frozen=True)
class Worker:
    """One invocation of a function that copies or deletes; its turn hears of a stop, its gate of every 503."""

    clients: Clients
    run: Run
    folder: RunFolder
    turn: Turn
    gate: Gate


@contextmanager
def begin(
    event: Mapping[str, Any], item: Mapping[str, Any], context: LambdaContext, most_in_flight: int
) -> Iterator[Worker]:
    """Yield what is needed for an item of an index, after the run has been seen to have its lease still; raises if it has not.

    The item says how many objects the whole run has `planned`: where they are many, less is in flight at first.
    """
    run, turn = Run.from_json(event["run"]), Turn.of(context)
    connected = clients.connect(run.source.region, run.destination.region)
    require_lease(connected.work, run)
    folder = RunFolder.of(connected.work, run)
    gate = gate_of(run.folder, item.get("planned", 0), most_in_flight)
    gate.watch(connected.source, connected.destination)
    with StopWatch(folder) as watch:
        yield Worker(connected, run, folder, watch.watched(turn), gate)
