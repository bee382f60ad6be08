"""Which function made which API call on what, recorded while runs take their course.

Between our clients and the stand-in, botocore tells of every call: its parameters, its headers, the status of its answer. A
call belongs to the function whose handler made the client.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from iam_calls import CALLS
from machine_on_moto import Machine
from runs_on_fake_s3 import World

from lambda_functions.shared.s3 import clients

SIDES = {
    **{"source-bucket": "source", "destination-bucket": "destination", "work-bucket": "work"},
    **{"old-workbucket": "source", "new-workbucket": "destination"},
}
PREFIXES = {"sfn": "states"}

Permission = tuple[str, str]
"""An action, and what it is about: ("s3:GetObject", "source objects")."""


@dataclass(frozen=True)
class Call:
    """One API call of one function."""

    function: str
    operation: str
    side: str
    folder: str
    copied: str
    features: frozenset[str]

    @classmethod
    def of(cls, function: str, operation: str, sent: Mapping[str, Any], features: frozenset[str]) -> Call:
        """Return the call with these parameters."""
        side = SIDES.get(sent.get("Bucket", ""), "")
        folder = sent.get("Key", "").partition("/")[0] if side == "work" else ""
        if folder and operation == "s3:PutObject" and sent["Key"].endswith("/applied-by.json"):
            folder = "plans"  # the one file of a run's folder that may be written without all the others
        copied = SIDES.get(sent.get("CopySource", "").partition("/")[0], "")
        return cls(function, operation, side, folder, copied, features)

    def permissions(self) -> set[Permission]:
        """Return what the call needs by the documentation."""
        places = {
            "object": f"work {self.folder}" if self.side == "work" else f"{self.side} objects",
            "bucket": f"{self.side} bucket",
            "copy source": f"{self.copied} objects",
            "copy source bucket": f"{self.copied} bucket",
            "execution": "executions",
            "keys": "" if self.side == "work" else "keys",
        }
        needs = [need for need in CALLS[self.operation].needs if not need.when or need.when in self.features]
        return {(need.action, places[need.of]) for need in needs if places[need.of]}


@dataclass
class Recorder:
    """The calls seen so far."""

    calls: set[Call] = field(default_factory=set)
    _now: threading.local = field(default_factory=threading.local)

    def needed(self) -> dict[str, set[Permission]]:
        """Return what each function needs."""
        needed: dict[str, set[Permission]] = {}
        for call in self.calls:
            needed.setdefault(call.function, set()).update(call.permissions())
        return needed

    @contextlib.contextmanager
    def on(self) -> Iterator[Recorder]:
        """Record all runs inside, on moto and on the fake S3."""
        with (
            mock.patch.object(clients, "client", self._watching(clients.client)),
            mock.patch.object(Machine, "invoke", self._named(Machine.invoke)),
            mock.patch.object(World, "_invoke", self._named(World._invoke)),
        ):
            yield self

    def _named(self, invoke: Callable[..., Any]) -> Callable[..., Any]:
        def call(runner: Any, name: str, event: Mapping[str, Any]) -> Any:
            self._now.function = name
            try:
                return invoke(runner, name, event)
            finally:
                self._now.function = ""

        return call

    def _watching(self, client: Callable[..., Any]) -> Callable[..., Any]:
        def made(service: str, *args: Any) -> Any:
            found, function = client(service, *args), getattr(self._now, "function", "")
            if function:
                found.meta.events.register_last("before-call", _note_headers)
                found.meta.events.register_first("before-parameter-build", _note_parameters)
                found.meta.events.register_last("after-call", self._ended(function))
                found.meta.events.register_last("after-call-error", self._ended(function))
            return found

        return made

    def _ended(self, function: str) -> Callable[..., None]:
        def note(
            event_name: str,
            context: Mapping[str, Any],
            http_response: Any = None,
            parsed: Any = None,
            **_: Any,
        ) -> None:
            _, service, operation = event_name.split(".")
            sent = context["seen parameters"]
            nested = {name for one in sent.get("Delete", {}).get("Objects", ()) for name in one}
            status = {f"answered {http_response.status_code}"} if http_response is not None else set()
            told = {f"told {name}" for name in parsed or ()}
            features = frozenset({*sent, *nested, *status, *told, *context.get("seen headers", ())})
            name = f"{PREFIXES.get(service, service)}:{operation}"
            self.calls.add(Call.of(function, name, sent, features))

        return note


def _note_parameters(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["seen parameters"] = dict(params)


def _note_headers(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    headers = {name.lower(): value for name, value in params["headers"].items()}
    directives = {f"{name}: {value}" for name, value in headers.items() if name.endswith("-directive")}
    context["seen headers"] = {*headers, *directives}
