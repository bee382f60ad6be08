"""What our clients need to happen before an answer is read, for a botocore that does not do it yet: the event `before-parse`.

Our clients change some answers before botocore reads them (see `clients`). Where botocore emits no event for that, a parser
around its own does. The one private name that this needs is that of versions that are out, which do not change any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from xml.etree import ElementTree

import botocore
from botocore.handlers import check_for_200_error

from lambda_functions.shared.s3.botocore_version import FINDS_EVERY_ERROR, FIRST_WITH_BEFORE_PARSE, is_older

# The operations for which such a botocore looks for an error in an answer with status 200. It reads the answer as it came, with
# characters that XML cannot hold, and would take one that repeats an unusual key for cut off.
_LOOKED_AT = ("CopyObject", "UploadPartCopy", "CompleteMultipartUpload")


def let_emit_before_parse(client: Any) -> None:
    """Let an S3 client emit `before-parse.s3.<operation>` and find errors in any answer with status 200, whatever its botocore.

    The event has `operation_model`, `response_dict` and `customized_response_dict`, as botocore's own.
    """
    if is_older(botocore.__version__, FINDS_EVERY_ERROR):
        _find_every_error(client.meta.events)
    if is_older(botocore.__version__, FIRST_WITH_BEFORE_PARSE):
        client.meta.events.register("before-parse.s3.*", _take_expires_out)
        endpoint = client._endpoint
        endpoint._response_parser_factory = _Factory(endpoint._response_parser_factory, client.meta)


def _find_every_error(events: Any) -> None:
    for operation in _LOOKED_AT:
        events.unregister(f"needs-retry.s3.{operation}", check_for_200_error)
    events.register_first("before-parse.s3.*", _note_error)
    events.register_first("needs-retry.s3.*", _pass_on_status)


@dataclass(frozen=True)
class _Factory:
    """Makes parsers for a client, of which this is `meta`."""

    usual: Any
    meta: Any

    def create_parser(self, protocol: str) -> _Parser:
        """Return a parser around botocore's own."""
        return _Parser(self.usual.create_parser(protocol), self.meta.events, self._operations)

    @cached_property
    def _operations(self) -> Mapping[str, Any]:
        """The operations by the names of their output shapes, which is all that a parser is told."""
        model = self.meta.service_model
        every = [model.operation_model(name) for name in model.operation_names]
        return {one.output_shape.name: one for one in every if one.output_shape}


@dataclass(frozen=True)
class _Parser:
    usual: Any
    events: Any
    operations: Mapping[str, Any]

    def parse(self, response: dict[str, Any], shape: Any) -> Any:
        """Return an answer as botocore reads it, after everybody who waits for the event has changed it."""
        operation = self.operations.get(shape.name) if shape else None
        if operation is None:
            return self.usual.parse(response, shape)
        added: dict[str, Any] = {}
        self.events.emit(
            f"before-parse.s3.{operation.name}",
            operation_model=operation,
            response_dict=response,
            customized_response_dict=added,
        )
        parsed = self.usual.parse(response, shape)
        parsed.update(added)
        return parsed


def _note_error(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Give an error in an answer with status 200, or one that is cut off, the status of a fault, so that it is repeated."""
    is_streamed = operation_model.has_streaming_output
    if response_dict["status_code"] == 200 and not is_streamed and _is_error(response_dict["body"]):
        response_dict["status_code"] = 500


def _is_error(body: bytes) -> bool:
    """Whether a body is an error or cannot be read. No body at all is what a HEAD and a PUT are answered with."""
    if not body:
        return False
    try:
        return ElementTree.fromstring(body).tag == "Error"
    except ElementTree.ParseError:
        return True


def _take_expires_out(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Return `Expires` as the text that it is, which such a botocore cannot read if it is no date."""
    expires = response_dict["headers"].get("Expires")
    if expires is not None:
        customized_response_dict["ExpiresString"] = expires
        del response_dict["headers"]["Expires"]


def _pass_on_status(response: tuple[Any, Mapping[str, Any]] | None, **_: Any) -> None:
    """Let what decides on a repetition see the status that `_note_error` has given an answer."""
    if response is not None:
        raw, parsed = response
        raw.status_code = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", raw.status_code)
