"""What is the same for every seed, done once: a third of the processor time of a simulation, and nothing of what it shows.

Requests still go through botocore, from their parameters to the parsed answer, retries and all. What is remembered depends on
nothing but what it is remembered by: the clients that our code makes, the addresses of buckets, moments.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import dateutil.parser
from botocore.regions import EndpointRulesetResolver
from botocore.signers import RequestSigner
from client_twins import made_once, twin_of
from dateutil.tz import tzutc

from lambda_functions.shared.s3 import clients

make_client, construct_endpoint, parse = (
    clients.client,
    EndpointRulesetResolver.construct_endpoint,
    dateutil.parser.parse,
)
LOUD = ("hooks", "endpoint", "regions", "parsers", "auth", "client", "retryhandler")


@contextlib.contextmanager
def shortcuts(adopt: Callable[[Any], Any]) -> Iterator[None]:
    """Take them inside; `adopt` lets a client that is like those of our code belong to the worker that this thread is."""

    def client(*given: Any, **named: Any) -> Any:
        return adopt(twin_of(_client(*given, **named)))

    quiet = [logging.getLogger(f"botocore.{name}") for name in LOUD]
    replaced: list[tuple[Any, str, Any]] = [
        (clients, "client", client),
        (RequestSigner, "sign", lambda *_, **__: None),  # nobody here looks at a signature
        (EndpointRulesetResolver, "construct_endpoint", _construct_endpoint),
        (dateutil.parser, "parse", _parse),
        *((logger, "debug", lambda *_, **__: None) for logger in quiet),
    ]
    with contextlib.ExitStack() as stack:
        for where, name, instead in replaced:
            stack.enter_context(mock.patch.object(where, name, instead))
        yield


@functools.cache
def _client(*given: Any, **named: Any) -> Any:
    """Return a client as our code makes it, of no worker."""

    def bare(service: str, region_name: str | None, config: Any) -> Any:
        return twin_of(made_once(service, region_name, config))

    with mock.patch.object(clients, "_session", lambda: SimpleNamespace(client=bare)):
        return make_client(*given, **named)


def _construct_endpoint(
    self: Any, operation_model: Any, call_args: Mapping[str, Any], request_context: Mapping[str, Any]
) -> Any:
    """Let each client look up the address of a bucket once; no rule of S3's looks at a key, which botocore would look up too."""
    known = self.__dict__.setdefault("_known_endpoints", {})
    asked = operation_model.name, (call_args or {}).get("Bucket"), "s3_redirect" in (request_context or {})
    if asked not in known:
        known[asked] = construct_endpoint(self, operation_model, call_args, request_context)
    return known[asked]


@functools.lru_cache(maxsize=10_000)
def _moment(text: str) -> datetime:
    return parse(text, tzinfos={"GMT": tzutc()})


def _parse(text: Any, **more: Any) -> datetime:
    """Read each moment once; `tzinfos` is what botocore says, and always the same."""
    return _moment(text) if set(more) == {"tzinfos"} else parse(text, **more)
