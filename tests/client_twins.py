"""Twins of clients: making one anew takes as long as many requests, and the workers of one run make thirty.

What is done here once is the same for every client and took a quarter of the time of a run: what an event of botocore's is
also called, and whether a function can be called with whatever an event has.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from types import CodeType
from typing import Any

import boto3
import botocore.hooks
from botocore.config import Config
from botocore.hooks import NodeList

_known: set[CodeType] = set()


def twin_of(made: Any) -> Any:
    """Return a client like this one, with events of its own."""
    twin = object.__new__(type(made))
    twin.__dict__.update(made.__dict__)
    twin.meta, twin._endpoint = copy.copy(made.meta), copy.copy(made._endpoint)
    twin.meta.events = twin._endpoint._event_emitter = _events_like(made.meta.events)
    return twin


@functools.cache
def made_once(service: str, region: str | None, config: Config) -> Any:
    """Return the client that others are twins of."""
    return boto3.session.Session().client(service, region_name=region, config=config)


def _events_like(made: botocore.hooks.EventAliaser) -> botocore.hooks.EventAliaser:
    """Return events with the same functions, to which others can be added."""
    emitter = _Emitter()
    emitter._handlers = _Functions(made._emitter._handlers._root)
    emitter._unique_id_handlers = {name: dict(one) for name, one in made._emitter._unique_id_handlers.items()}
    events = botocore.hooks.EventAliaser(emitter, made._event_aliases)
    events._alias_name_cache = made._alias_name_cache
    return events


class _Functions(botocore.hooks._PrefixTrie):
    """A tree of functions by the parts of an event's name; it shares with another tree what is not changed."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def append_item(self, key: str, value: Any, **section: Any) -> None:
        self._own(key)
        super().append_item(key, value, **section)

    def remove_item(self, key: str, value: Any) -> None:
        self._own(key)
        super().remove_item(key, value)

    def _own(self, key: str) -> None:
        """Copy the nodes on the way to what is about to be changed."""
        node = self._root = _own_node(self._root)
        for part in key.split("."):
            if part not in node["children"]:
                return
            node["children"][part] = node = _own_node(node["children"][part])


def _own_node(node: dict[str, Any]) -> dict[str, Any]:
    values = node["values"]
    return {**node, "children": dict(node["children"]), "values": values and NodeList(*map(list, values))}


class _Emitter(botocore.hooks.HierarchicalEmitter):
    def _verify_accept_kwargs(self, func: Callable[..., Any]) -> None:
        """Look at each function once, however many clients it is added to."""
        code = getattr(func, "__code__", None)
        if code not in _known:
            super()._verify_accept_kwargs(func)
            if code:
                _known.add(code)
