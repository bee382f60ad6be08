"""What the rules count as the writing of a run."""

from __future__ import annotations

import pytest
from executions import Execution, LostSight
from fake_s3 import Request
from rules import Rules
from runs_on_fake_s3 import _error
from seeds import Seed
from simulated_s3 import Attempt, SimulatedS3, Wanted
from workers import Killed

from lambda_functions.shared.tally.breakage import Breakage


class Scene:
    """Two runs from `a` into `b`, told change by change."""

    def __init__(self) -> None:
        self.s3, self.rules = SimulatedS3(), Rules()
        a, b, work = (self.s3.bucket(name) for name in ("bucket-a", "bucket-b", "work-bucket"))
        self.runs = {
            name: Execution(self.s3, a, b, work, name=name, status="RUNNING") for name in ("one", "two")
        }

    def attempt(self, run: str, name: str) -> Attempt:
        attempt = Attempt(execution=self.runs[run], name=name, run_name=run)
        self.runs[run].attempts.append(attempt)
        return attempt

    def send(self, attempt: Attempt, operation: str, bucket: str, key: str) -> None:
        wanted = Wanted(operation, bucket, key, attempt)
        self.rules.watch(wanted, Request(operation, bucket, key, {}), False)

    def writes_around_another(self, stop: str, gives_back: bool) -> str:
        """Let `one` write, end, and write once more after `two` has written; return what is wrong with that."""
        worker, report = self.attempt("one", "copy_keys #1"), self.attempt("one", "tally_run #1")
        self.send(worker, "CopyObject", "bucket-b", "k")
        if gives_back:
            self.send(report, "DeleteObject", "work-bucket", "leases/bucket-b/1.json")
        self.runs["one"].end(stop)
        self.send(self.attempt("two", "copy_keys #1"), "CopyObject", "bucket-b", "k")
        self.send(worker, "CopyObject", "bucket-b", "k")
        return str(self.rules.broken or "")


def test_what_a_stopped_run_leaves_counts_while_its_lease_does() -> None:
    assert "while two is writing" in Scene().writes_around_another("ABORTED", gives_back=False)


@pytest.mark.parametrize("stop", ["ABORTED", "SUCCEEDED"])
def test_what_outlives_a_run_that_gave_its_lease_back_does_not_count(stop: str) -> None:
    assert Scene().writes_around_another(stop, gives_back=True) == ""


def test_a_lease_that_the_next_run_clears_away_is_not_given_back() -> None:
    attempt = Scene().attempt("two", "validate_input #1")
    wanted = Wanted("DeleteObject", "work-bucket", "leases/bucket-b/1.json", attempt)
    assert not wanted.gives_lease_back


def test_an_invocation_lost_sight_of_is_not_said_to_have_ended() -> None:
    assert not Breakage("copy-000001", _error(LostSight("gone"))["Error"], "gone").has_ended()
    assert Breakage("copy-000001", _error(Killed("killed"))["Error"], "killed").has_ended()


def test_no_attempt_outlives_its_timeout_though_its_execution_has_been_started_again() -> None:
    scene, seed = Scene(), Seed(0)
    before, now = scene.attempt("one", "copy_keys #1"), scene.attempt("two", "copy_keys #1")
    scene.runs["one"].earlier, scene.runs["one"].attempts = [before], []
    seed.executions = list(scene.runs.values())
    for _ in range(2):
        seed._jump()
    assert [before.is_dead, now.is_dead] == [True, True]
