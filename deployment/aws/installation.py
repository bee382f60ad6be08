"""One installation of SyncBuckets: the account and region where it is, its settings, its name in words, and the clock.

It travels through every step that calls AWS. It knows what is ours by the tags, it alone puts into words where that is,
and whoever needs the time or has to wait asks its clock, so that no test waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployment.aws.account import Account, connect
from deployment.project import tags
from deployment.project.settings import Settings


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """The time of day, seconds that only ever grow, and waiting."""

    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Installation:
    """An account in one region with the settings of one stack."""

    account: Account
    settings: Settings
    clock: Clock = Clock()

    @classmethod
    def connect(cls, settings: Settings) -> Installation:
        """Return the installation that settings and environment lead to; raise CredentialsError as `account.connect` does."""
        return cls(connect(settings), settings)

    @property
    def account_id(self) -> str:
        return self.account.account_id

    @property
    def region(self) -> str:
        return self.account.region

    @property
    def partition(self) -> str:
        return self.account.partition

    @property
    def stack_name(self) -> str:
        return self.settings.stack_name

    @property
    def place(self) -> str:
        """`account 123456789012, region eu-west-1`."""
        return f"account {self.account_id}, region {self.region}"

    @property
    def full_place(self) -> str:
        """The same and the stack, as the beginning of a line: `Account ..., region ..., stack sync-buckets`."""
        return f"A{self.place[1:]}, stack {self.stack_name}"

    @property
    def short_place(self) -> str:
        """`123456789012/eu-west-1`."""
        return f"{self.account_id}/{self.region}"

    @property
    def title(self) -> str:
        """`sync-buckets in 123456789012/eu-west-1`."""
        return f"{self.stack_name} in {self.short_place}"

    @property
    def stack_title(self) -> str:
        """The same as the beginning of a sentence about the stack."""
        return f"The stack {self.title}"

    @property
    def cli_flags(self) -> str:
        """What names this stack to the AWS CLI."""
        return f"--stack-name {self.stack_name} {self.cli_place}"

    @property
    def cli_place(self) -> str:
        """What names the region, and the profile if one is set, to the AWS CLI."""
        flags = f"--region {self.region}"
        return f"{flags} --profile {self.settings.profile}" if self.settings.profile else flags

    @property
    def tags(self) -> dict[str, str]:
        """The tags of everything that is deployed."""
        return tags.tags_of(self.settings)

    def owns(self, found: Mapping[str, str]) -> bool:
        """Whether something with these tags is part of this installation."""
        return tags.is_ours(found, self.settings)

    @property
    def cloudformation(self) -> Any:
        return self.client("cloudformation")

    @property
    def step_functions(self) -> Any:
        return self.client("stepfunctions")

    def client(self, service: str) -> Any:
        """Return the client of a service, the same one every time."""
        return self.account.client(service)

    def states_arn(self, *parts: str) -> str:
        """Return an ARN of Step Functions here: of `stateMachine` and a name, of `execution`, a machine's name and its own."""
        return ":".join(("arn", self.partition, "states", self.region, self.account_id, *parts))

    def to_json(self) -> dict[str, str]:
        """Return what `full_place` says, for a JSON document."""
        return {"account": self.account_id, "region": self.region, "stack": self.stack_name}
