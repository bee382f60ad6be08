"""Twins of clients: making one anew takes as long as many requests, and the workers of one run make thirty."""

from __future__ import annotations

import copy
import functools
from typing import Any

import boto3
from botocore.config import Config


def twin_of(made: Any) -> Any:
    """Return a client like this one, with events of its own.

    What an event of botocore's is also called is the same for all clients; to find it out for every event of every client
    took a tenth of a run.
    """
    twin = object.__new__(type(made))
    twin.__dict__.update(made.__dict__)
    twin.meta, twin._endpoint = copy.copy(made.meta), copy.copy(made._endpoint)
    twin.meta.events = twin._endpoint._event_emitter = copy.copy(made.meta.events)
    twin.meta.events._alias_name_cache = made.meta.events._alias_name_cache
    return twin


@functools.cache
def made_once(service: str, region: str | None, config: Config) -> Any:
    """Return the client that others are twins of."""
    return boto3.session.Session().client(service, region_name=region, config=config)
