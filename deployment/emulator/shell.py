"""The variables that send the clients of AWS to the emulator, and the lines that set them in a shell.

Whoever pastes those lines has settings for the real AWS: profiles with keys, endpoints of single services, files that say
that endpoints are to be ignored. None of them may stay in force, or a `fab delete` that was meant for the emulator finds
the account. What each variable does: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping

_UNSET = r"unset AWS_PROFILE $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p')"
"""All of them, whatever they are called: there is an AWS_ENDPOINT_URL_... for each of some 400 services, and it goes before
AWS_ENDPOINT_URL. One name stands there because zsh does not unset nothing."""
_UNSET_POWERSHELL = "Remove-Item Env:AWS_*"


def client_variables(url: str, host: str, region: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """Return what sends boto3, the AWS CLI and `fab` to this endpoint and keeps every file of the user's out."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        **credentials,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Python reads the lower case first, others the upper case.
        "NO_PROXY": host,
        "no_proxy": host,
    }


def exports(variables: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return lines for a POSIX shell, none wider than 80 columns; on Windows lines for PowerShell, which is at home there."""
    if platform == "win32":
        return "\n".join(
            [_UNSET_POWERSHELL, *(f"$env:{name}='{value}'" for name, value in variables.items())]
        )
    return "\n".join([_UNSET, *(f"export {name}={shlex.quote(value)}" for name, value in variables.items())])
