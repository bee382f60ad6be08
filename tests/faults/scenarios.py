"""What one scenario is: a fault, where and when it strikes, and what may come of it."""

from __future__ import annotations

from dataclasses import dataclass

EQUAL, FAILED, EITHER = "equal", "failed", "equal or failed"
FAKE, MOTO, EMULATOR = "fake S3", "machine on moto", "emulator"


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    `fault` is what happens and `target` to what: a kind of request and its bucket, a step, a file, a Lambda. `amount` says how
    often, `must` how the run may end. `place` is what the run runs on.
    """

    family: str
    fault: str
    target: str
    amount: str = "once"
    must: str = EITHER
    place: str = FAKE

    @property
    def name(self) -> str:
        """Return the row in one line; no two rows have the same."""
        return f"{self.fault} / {self.target} / {self.amount} / {self.place}"
