"""Which botocore the workers need: that of a Lambda runtime is whatever AWS has put there."""

from __future__ import annotations

import re

import botocore

from lambda_functions.shared.errors import Refused

# The oldest that the tests run with, of July 2024. AWS publishes no list of what its runtimes had; python3.13 was announced in
# November 2024 (https://aws.amazon.com/about-aws/whats-new/2024/11/aws-lambda-python-3-13/), so its first is no older.
OLDEST_BOTOCORE = "1.34.145"
# The first with the event `before-parse` and with `ExpiresString`.
FIRST_WITH_BEFORE_PARSE = "1.35.16"
# Has errors in an answer with status 200 for every operation, as some before it.
FINDS_EVERY_ERROR = "1.35.49"


def numbers_of(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with: `1.35.49.dev1` -> (1, 35, 49); none where it begins with none."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()


def is_older(version: str, other: str) -> bool:
    """Whether a version is older than another; one without numbers is not known to be."""
    numbers, others = numbers_of(version), numbers_of(other)
    width = max(len(numbers), len(others))
    padded = [one + (0,) * (width - len(one)) for one in (numbers, others)]
    return bool(numbers) and padded[0] < padded[1]


def refuse_older_botocore() -> None:
    """Raise `Refused("InvalidInput", ...)` where botocore is older than any that the workers were tested with."""
    if is_older(botocore.__version__, OLDEST_BOTOCORE):
        raise Refused(
            "InvalidInput",
            f"the Lambda runtime's botocore is {botocore.__version__}; expected {OLDEST_BOTOCORE} or newer: let AWS update the "
            'runtime (RuntimeManagementConfig "Auto", or a newer Runtime), or add a layer with a newer boto3 (Layers), '
            "at the top of the functions' files, and deploy. Nothing was changed.",
        )
