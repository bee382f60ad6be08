"""Installations as the tests need them: an account without a session, clients that they give, and a clock of their own."""

from __future__ import annotations

from typing import Any

from deployment.aws.account import Account
from deployment.aws.installation import Clock, Installation
from deployment.project.settings import Settings

ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"


def no_sleep(seconds: float) -> None:
    raise AssertionError(f"nothing should wait here, least of all {seconds} s")


def installed(
    settings: Settings | None = None,
    *,
    session: Any = None,
    clock: dict[str, Any] | None = None,
    **clients: Any,
) -> Installation:
    """Return an installation; `clock` may give now, monotonic and sleep, and without one nothing may wait."""
    account = Account(session, ACCOUNT_ID, REGION, "aws", clients)
    return Installation(account, settings or Settings(), Clock(**{"sleep": no_sleep, **(clock or {})}))
