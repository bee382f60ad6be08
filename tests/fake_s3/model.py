"""The model of S3 that the fake S3 goes by: always the same one, whatever botocore is installed.

The workers' clients have the model of the installed botocore, which may be older than what S3 understands. `model.json` has the
operations that the workers use and the shapes of those, without documentation, one a line. To make it anew after `OPERATIONS` or
S3 have grown, with the newest botocore:

    PYTHONPATH=tests .venv/bin/python -m fake_s3.model
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import botocore
import botocore.session
from botocore.model import ServiceModel

FILE = Path(__file__).with_name("model.json")
# The operations of S3 that our workers may use, and no other.
OPERATIONS = (
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObject",
    "DeleteObjects",
    "GetObject",
    "GetObjectAnnotation",
    "GetObjectAttributes",
    "GetObjectLegalHold",
    "GetObjectLockConfiguration",
    "GetObjectRetention",
    "GetObjectTagging",
    "HeadBucket",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjectAnnotations",
    "ListObjectsV2",
    "ListParts",
    "PutObject",
    "PutObjectAnnotation",
    "PutObjectTagging",
    "RestoreObject",
    "UploadPart",
    "UploadPartCopy",
)
# What is told of an operation or shape besides how it is written on the wire.
TOLD = ("documentation", "documentationUrl", "deprecated", "deprecatedMessage", "errors", "endpoint")


@functools.cache
def service_model() -> ServiceModel:
    """Return S3's model as the file has it."""
    return ServiceModel(json.loads(FILE.read_text(encoding="utf-8")), "s3")


def installed() -> dict[str, Any]:
    """Return what the file would be with the installed botocore."""
    loader = botocore.session.get_session().get_component("data_loader")
    model = loader.load_service_model("s3", "service-2")
    operations = {
        name: _without_words(model["operations"][name]) for name in OPERATIONS if name in model["operations"]
    }
    asked = [
        body[side]["shape"] for body in operations.values() for side in ("input", "output") if side in body
    ]
    names = sorted(_with_all_inside(model["shapes"], asked))
    return {
        "botocore": botocore.__version__,
        "metadata": _without_words(model["metadata"]),
        "operations": operations,
        "shapes": {name: _without_words(model["shapes"][name]) for name in names},
    }


def text_of(model: Mapping[str, Any]) -> str:
    """Return a model as it stands in the file."""
    parts = []
    for name, part in model.items():
        lines = (
            [f"  {json.dumps(key)}: {json.dumps(part[key])}" for key in part]
            if isinstance(part, dict)
            else ()
        )
        inside = "{\n" + ",\n".join(lines) + "\n }" if lines else json.dumps(part)
        parts.append(f" {json.dumps(name)}: {inside}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _with_all_inside(shapes: Mapping[str, Any], names: Iterable[str]) -> set[str]:
    """Return the names of these shapes and of all that they are made of."""
    known: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in known:
            known.add(name)
            shape = shapes[name]
            inside = [
                *shape.get("members", {}).values(),
                *(shape[at] for at in ("member", "key", "value") if at in shape),
            ]
            waiting += [one["shape"] for one in inside]
    return known


def _without_words(part: Any) -> Any:
    """Return a part of a model without what is written for people. Members are kept, whatever their names."""
    if isinstance(part, list):
        return [_without_words(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: {member: _without_words(body) for member, body in one.items()}
        if name == "members"
        else _without_words(one)
        for name, one in part.items()
        if name not in TOLD
    }


if __name__ == "__main__":
    FILE.write_text(text_of(installed()), encoding="utf-8")
