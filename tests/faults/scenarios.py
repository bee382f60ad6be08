"""What one scenario is: a fault, where and when it strikes, and what may come of it."""

from __future__ import annotations

from dataclasses import dataclass

EQUAL, FAILED, EITHER = "equal", "failed", "equal or failed"
LONG_TAGS, UNKNOWN_UPLOAD, LEASE = "long tags", "unknown upload", "lease"
# What the next run does not put right by itself, and what it takes.
LIMITS = {
    LONG_TAGS: (
        "Tags of over 2 KiB follow the copy; if that request fails, only a run with `compareTags` sees that they are missing."
    ),
    UNKNOWN_UPLOAD: (
        "An upload whose id no worker has lived to learn stays open until a lifecycle rule with `AbortIncompleteMultipartUpload` "
        "ends it."
    ),
    LEASE: "A lease that cannot be read blocks its destination until somebody removes it, as the cause says.",
}
FAKE, MOTO, EMULATOR = "fake S3", "machine on moto", "emulator"


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    `fault` is what happens and `target` to what: a kind of request and its bucket, a step, a file, a Lambda. `amount` says how
    often, `must` how the run may end. `place` is what the run runs on. `limit` is the word for what
    the next run leaves: see `LIMITS`.
    """

    family: str
    fault: str
    target: str
    amount: str = "once"
    must: str = EITHER
    place: str = FAKE
    limit: str = ""

    @property
    def name(self) -> str:
        """Return the row in one line; no two rows have the same."""
        return f"{self.fault} / {self.target} / {self.amount} / {self.place}"
