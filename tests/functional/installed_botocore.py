"""What the installed botocore can carry; a test that depends on it says both outcomes, or for which it is and why."""

from __future__ import annotations

import botocore.session
import pytest

MODEL = botocore.session.get_session().get_service_model("s3")

# What happens there instead: functional/runs/test_old_botocore.py
needs_conditions_in_batches = pytest.mark.skipif(
    "ETag" not in MODEL.shape_for("ObjectIdentifier").members,
    reason="DeleteObjects of this botocore carries no condition, so every orphan goes by a request of its own",
)


def carries(algorithm: str, kind: str) -> bool:
    """Whether an upload can be opened with a checksum and completed: `carries("CRC64NVME", "FULL_OBJECT")`."""
    known = MODEL.operation_model("CreateMultipartUpload").input_shape.members
    has_kind = "ChecksumType" in known or kind == "COMPOSITE"
    return has_kind and f"Checksum{algorithm}" in MODEL.shape_for("CompletedPart").members


def knows(operation: str, *parameters: str) -> bool:
    """Whether there is an operation, and it has these parameters."""
    if operation not in MODEL.operation_names:
        return False
    return set(parameters) <= set(MODEL.operation_model(operation).input_shape.members)


def answers_have(operation: str, member: str) -> bool:
    """Whether an answer's member is known, such as HeadObject's TagCount; one that is not is left out."""
    output = MODEL.operation_model(operation).output_shape
    return output is not None and member in output.members
