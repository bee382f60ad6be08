"""One state machine on one moto for all worlds."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import moto.s3.models
import moto_as_aws
import pytest
from machine_on_moto import Machine, machine_on_moto


@pytest.fixture(scope="module")
def running() -> Iterator[Machine]:
    """Yield the state machine in a moto that is more like AWS, and in which parts may be of a single byte.

    Of one module: nothing of it may last into the tests of others.
    """
    interpreter = logging.getLogger("moto.stepfunctions")
    interpreter.setLevel(logging.CRITICAL + 1)
    with pytest.MonkeyPatch.context() as patch, moto_as_aws.more_like_aws(), moto_as_aws.faster():
        patch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1)
        with machine_on_moto() as machine:
            yield machine
    interpreter.setLevel(logging.NOTSET)
