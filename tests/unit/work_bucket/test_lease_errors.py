"""Leases when the work bucket does not answer, and of several that lie there: unknown is not absent, of leases as of objects."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from samples import EXECUTION, NOON, MemoryS3, client_error, run_of

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket.executions import MISSING, Execution
from lambda_functions.shared.work_bucket.leases import Leases, lease_key, require_lease

RUNNING, DEAD = Execution("RUNNING"), Execution("ABORTED", NOON - timedelta(hours=1))
NAMES = ("first", "second", "third")


def of(name: str, **options: Any) -> Run:
    return run_of(
        {**EXECUTION, "id": EXECUTION["id"].replace("first", name), "name": name},
        **options,
    )


class FaultyS3(MemoryS3):
    """A work bucket that refuses some requests."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: Callable[[str, str], ClientError | None] = lambda operation, key: None

    def put_object(self, *, Bucket: str, Key: str, **more: Any) -> None:
        self._refuse("PutObject", Key)
        super().put_object(Bucket=Bucket, Key=Key, **more)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._refuse("GetObject", Key)
        return super().get_object(Bucket=Bucket, Key=Key)

    def _refuse(self, operation: str, key: str) -> None:
        if error := self.refuses(operation, key):
            raise error


def refusing(operation: str, status: int, code: str) -> Callable[[str, str], ClientError | None]:
    return lambda asked, key: client_error(status, code, asked) if asked == operation else None


def nothing_left(folder: str) -> list[str]:
    return []


def leases_of(client: MemoryS3, running: set[str]) -> Leases:
    return Leases(client, "work-bucket", lambda arn: RUNNING if arn in running else DEAD, lambda: NOON)


def taken_by(*runs: Run) -> FaultyS3:
    """Return a work bucket in which these runs have left their leases: of each in a bucket of its own, put together."""
    together = FaultyS3()
    for run in runs:
        client = MemoryS3()
        leases_of(client, {run.execution}).take(run, nothing_left)
        together.files.update(client.files)
    return together


@pytest.mark.parametrize(
    ("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (403, "AccessDenied")]
)
def test_a_lease_that_s3_does_not_hand_out_is_not_taken_for_none(status: int, code: str) -> None:
    """Two runs in one destination each delete what only the other one's source has."""
    other, mine = of("first"), of("second")
    client = taken_by(other)
    client.refuses = refusing("GetObject", status, code)

    with pytest.raises(ClientError, match=code):
        leases_of(client, {mine.execution}).take(mine, nothing_left)


@pytest.mark.parametrize(
    ("status", "code"), [(503, "SlowDown"), (403, "AccessDenied"), (404, "NoSuchBucket")]
)
def test_a_lease_that_cannot_be_written_is_an_error(status: int, code: str) -> None:
    """A run that went on without would be seen by nobody."""
    client, mine = FaultyS3(), of("first")
    client.refuses = refusing("PutObject", status, code)

    with pytest.raises(ClientError, match=code):
        leases_of(client, {mine.execution}).take(mine, nothing_left)


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (403, "AccessDenied")])
def test_an_execution_that_is_not_known_is_noted_in_its_lease_or_the_run_does_not_begin(
    status: int, code: str
) -> None:
    """Not noted, it would be missed for the first time by every run, and keep its destination for ever."""
    other, mine = of("first"), of("second")
    client = taken_by(other)
    client.refuses = lambda operation, key: (
        client_error(status, code, operation) if (operation, key) == ("PutObject", lease_key(other)) else None
    )
    ask = {other.execution: Execution(MISSING), mine.execution: RUNNING}.__getitem__

    with pytest.raises(ClientError, match=code):
        Leases(client, "work-bucket", ask, lambda: NOON).take(mine, nothing_left)


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (403, "AccessDenied")])
def test_a_worker_that_cannot_read_its_lease_does_not_write_but_is_tried_again(
    status: int, code: str
) -> None:
    """What S3 does not hand out now may be there: only a lease that is gone for good ends the run."""
    mine = of("first")
    client = taken_by(mine)
    client.refuses = refusing("GetObject", status, code)

    with pytest.raises(ClientError, match=code):
        require_lease(client, mine)


@pytest.mark.parametrize("names", list(itertools.permutations(NAMES)))
def test_a_dead_lease_that_stays_does_not_hide_a_living_one_behind_it(names: tuple[str, ...]) -> None:
    """Whatever the order in which S3 lists them; the keys are hashes."""
    dead, living, mine = map(of, names)
    client = taken_by(dead, living)

    with pytest.raises(Refused) as caught:
        leases_of(client, {living.execution, mine.execution}).take(mine, lambda folder: ["not aborted"])

    assert caught.value.error == "AlreadyRunning"
    assert living.execution in caught.value.cause
    assert {lease_key(dead), lease_key(living)} <= client.files.keys()


@pytest.mark.parametrize("stays", ["first", "second"])
def test_every_dead_lease_is_cleared_away_though_another_could_not_be(stays: str) -> None:
    """Left-over uploads cost money until somebody aborts them: one that cannot be must not keep all others."""
    dead, mine = [of("first"), of("second")], of("third")
    client = taken_by(*dead)
    kept = next(run for run in dead if run.execution.endswith(stays))

    problems = leases_of(client, {mine.execution}).take(
        mine, lambda folder: ["1 was not aborted"] if folder.endswith(stays) else []
    )

    assert problems == ["1 was not aborted"]
    assert client.files.keys() == {lease_key(kept), lease_key(mine)}


def test_a_run_into_another_part_waits_for_none_of_them() -> None:
    """Where the others write does not matter there, nor whether they are alive."""
    others = of("first", destinationPrefix="a/"), of("second", destinationPrefix="b/")
    mine = of("third", destinationPrefix="c/", source="elsewhere")
    client = taken_by(*others)

    assert leases_of(client, {run.execution for run in (*others, mine)}).take(mine, nothing_left) == []

    assert client.files.keys() == {lease_key(run) for run in (*others, mine)}
