"""One world on moto whose plan is made, and carried out after somebody else has written into both buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import judging
import moto_as_aws
from blueprints import Blueprint, World
from machine_on_moto import Machine
from moto_as_aws import snapshot
from oracle import Prediction
from oracle_plans import Applied, Moment, predict_applied
from place import Place, placed
from reports import leases, written


@dataclass(frozen=True)
class Change:
    """What somebody does to one key, the `number`-th of a bucket counted round, or to a key that is not there yet."""

    side: str
    what: str
    number: int


def check_plan(machine: Machine, world: World, changes: Sequence[Change]) -> None:
    """Make the world, plan, change it, carry the plan out, and try that once more."""
    with placed(machine, world) as place:
        then = _moment(place)
        planned, report = place.run(dryRun=True, verify=False)
        if planned.error or planned.restores:
            return
        for change in changes:
            _make(place, change)
        now = _moment(place)
        name = report["report"].split("/")[-2]
        machine.wire.sent.clear()

        execution = machine.run({"plan": name, "planDigest": report["planDigest"]})

        found = predict_applied(planned, then, now, place.options)
        assert execution.get("error") == found.error, execution.get("cause")
        _compare(place, found, now, written(execution), report)
        assert machine.run({"plan": name})["error"] == "InvalidInput"


def _compare(
    place: Place, found: Applied, now: Moment, report: dict[str, Any], planned: dict[str, Any]
) -> None:
    told = {**place.options, "dryRun": False}
    done = Prediction(copies=found.copies, deletes=found.deletes)
    after = snapshot(place.destination)
    wrong = judging.wrong_objects(now.destination, after, done, told, place.encryption)
    assert not wrong, "\n".join(wrong)
    assert place.source == place.destination or snapshot(place.source) == now.source
    counted = {name: report[name]["objects"] for name in ("copied", "deleted", "changed", "failed")}
    assert counted == {
        "copied": len(found.copies),
        "deleted": found.deleted,
        "changed": len(found.changed),
        "failed": 0,
    }
    assert report["skipped"]["vanished"] == len(found.vanished)
    assert {name: report[name] for name in ("plan", "listed", "current")} == {
        name: planned[name] for name in ("plan", "listed", "current")
    }
    sent = place.machine.wire.counts(place.source, place.destination)
    assert report["requests"] == sent and "LIST" not in sent
    assert leases() == [] and moto_as_aws.backend().get_bucket(place.destination).multiparts == {}


def _moment(place: Place) -> Moment:
    return Moment(snapshot(place.source), snapshot(place.destination))


def _make(place: Place, change: Change) -> None:
    bucket, options = getattr(place, change.side), place.options
    prefix = options.get("prefix", "")
    prefix = prefix if change.side == "source" else options.get("destinationPrefix", prefix)
    keys = sorted(key for key in snapshot(bucket) if key.startswith(prefix))
    if change.what == "new" or not keys:
        moto_as_aws.put(bucket, f"{prefix}come meanwhile {change.number}", Blueprint(b"new").made())
        return
    key = keys[change.number % len(keys)]
    if change.what == "gone":
        moto_as_aws.backend().delete_object(bucket, key)
    else:
        moto_as_aws.put(bucket, key, Blueprint(b"written meanwhile").made())
