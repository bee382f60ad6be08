"""What attackers of the emulator send, and how a test sees that nothing came of it."""

from __future__ import annotations

import base64
import io
import json
import zipfile

from deployed_project import emulator_client

from deployment.emulator.emulator import Emulator

FUNCTIONS = "/2015-03-31/functions"
"""Where Lambda creates a function: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"""


def malicious_function() -> str:
    """CreateFunction's body, with code that would run as whoever started the emulator."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("evil.py", "def handler(event, context): return 'ran'\n")
    return json.dumps(
        {
            "FunctionName": "evil",
            "Runtime": "python3.13",
            "Handler": "evil.handler",
            "Role": "arn:aws:iam::000000000000:role/evil",
            "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
        }
    )


def functions(emulator: Emulator) -> list[str]:
    """Return the names of all functions, asked as an owner of the token."""
    client = emulator_client("lambda", emulator.environment)
    return [found["FunctionName"] for found in client.list_functions()["Functions"]]
