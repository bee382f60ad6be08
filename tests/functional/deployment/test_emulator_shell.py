"""The lines of `fab local` in a shell whose owner has profiles with keys, endpoints and files for the real AWS: none stays."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.emulator import emulator, shell

URL = "http://127.0.0.1:4567"
KEYS = {
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "emulator",
    "AWS_SESSION_TOKEN": "the-token",
}
VARIABLES = shell.client_variables(URL, "127.0.0.1", "us-east-1", KEYS)
SHELLS = [path for path in map(shutil.which, ("dash", "bash", "zsh", "ksh")) if path]
REAL_KEY = "AKIAREALREALREAL"
CONFIG = """
[default]
region = eu-central-1
ignore_configured_endpoint_urls = true
endpoint_url = https://default.example.com
services = real
[profile production]
aws_access_key_id = AKIAREALREALREAL
aws_secret_access_key = real
ignore_configured_endpoint_urls = true
services = real
[services real]
s3 =
  endpoint_url = https://s3.example.com
stepfunctions =
  endpoint_url = https://states.example.com
"""
CREDENTIALS = """
[default]
aws_access_key_id = AKIAREALREALREAL
aws_secret_access_key = real
aws_session_token = real
[production]
aws_access_key_id = AKIAREALREALREAL
aws_secret_access_key = real
"""
CLIENTS = """
import json, sys
import boto3, botocore.session
from botocore.exceptions import BotoCoreError

def judge(**profile):
    try:
        session = boto3.Session(**profile)
        keys = session.get_credentials()
        names = ("s3", "sts")
        urls = {session.client(name).meta.endpoint_url for name in names}
    except BotoCoreError as error:
        return str(error)
    return [sorted(urls), keys and [keys.access_key, keys.token], session.region_name]

import urllib.request
json.dump({
    "plain": judge(),
    "default": judge(profile_name="default"),
    "production": judge(profile_name="production"),
    "proxied": not urllib.request.proxy_bypass("127.0.0.1:4567"),
}, sys.stdout)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(CONFIG)
    (tmp_path / ".aws" / "credentials").write_text(CREDENTIALS)
    return tmp_path


def run(home: Path, lines: str, variables: dict[str, str], path: str = "/bin/sh") -> dict[str, object]:
    """Paste lines into a shell with these variables; return what clients started from it would use."""
    program = f"{lines}\nexec '{sys.executable}' -c \"$CLIENTS\"\n"
    done = subprocess.run(
        [path],
        input=program,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "CLIENTS": CLIENTS, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, object] = json.loads(done.stdout)
    return told


EVERYTHING = {
    "AWS_PROFILE": "production",
    "AWS_DEFAULT_PROFILE": "production",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_ENDPOINT_URL": "https://all.example.com",
    "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
    "AWS_ENDPOINT_URL_STS": "https://sts.example.com",
    "AWS_ENDPOINT_URL_SFN": "https://states.example.com",
    "AWS_ACCESS_KEY_ID": REAL_KEY,
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/real",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/dev/null",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/real",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
    "AWS_CA_BUNDLE": "/nowhere",
    "AWS_DATA_PATH": "/nowhere",
    "HTTP_PROXY": "http://proxy.example.com:80",
    "NO_PROXY": "intranet",
    "no_proxy": "intranet",
    "SOMETHING": "two lines\nAWS_NOT_A_VARIABLE=1\nAWS_;echo=1",
}
ALONE = ["AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]
CASES = [
    *(("/bin/sh", {name: EVERYTHING[name]}) for name in ALONE),
    ("/bin/sh", {}),
    ("/bin/sh", {"AWS_PROFILE": ""}),
    *((path, EVERYTHING) for path in SHELLS),
]


@pytest.mark.parametrize(("path", "variables"), CASES)
def test_after_the_lines_nothing_of_the_users_is_in_force(
    home: Path, path: str, variables: dict[str, str]
) -> None:
    told = run(home, shell.exports(VARIABLES), variables, path)
    assert told == {
        "plain": [[URL], ["000000000000", "the-token"], "us-east-1"],
        # Who names a profile afterwards finds none.
        "default": "The config profile (default) could not be found",
        "production": "The config profile (production) could not be found",
        "proxied": False,
    }


def test_the_same_settings_lead_to_aws_where_the_lines_are_not_pasted(home: Path) -> None:
    told = run(home, "", {"AWS_PROFILE": "production"})
    urls, keys, _ = told["plain"]  # type: ignore[misc]
    assert any(url.endswith(".amazonaws.com") for url in urls) and keys == [REAL_KEY, None]


@pytest.mark.parametrize("file", ["config", "credentials"])
def test_files_that_are_named_afterwards_find_the_endpoint_in_force(home: Path, file: str) -> None:
    name = {"config": "AWS_CONFIG_FILE", "credentials": "AWS_SHARED_CREDENTIALS_FILE"}[file]
    lines = f"{shell.exports(VARIABLES)}\nexport {name}='{home}/.aws/{file}'"
    told = run(home, lines, {})
    assert told["plain"] == [[URL], ["000000000000", "the-token"], "us-east-1"]


def test_the_lines_stand_ready_to_be_pasted() -> None:
    assert shell.exports({"AWS_ENDPOINT_URL": URL, "AWS_REGION": "a b"}) == (
        "unset AWS_PROFILE $(env | sed -n 's/^\\(AWS_[A-Za-z0-9_]*\\)=.*/\\1/p')\n"
        "export AWS_ENDPOINT_URL=http://127.0.0.1:4567\n"
        "export AWS_REGION='a b'"
    )


def test_on_windows_they_are_for_powershell_alone() -> None:
    assert shell.exports({"AWS_ENDPOINT_URL": URL, "AWS_REGION": "a b"}, "win32") == (
        "Remove-Item Env:AWS_*\n$env:AWS_ENDPOINT_URL='http://127.0.0.1:4567'\n$env:AWS_REGION='a b'"
    )


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_none_of_them_is_wider_than_a_terminal_of_80_columns(platform: str) -> None:
    keys = emulator.credentials(secrets.token_urlsafe(emulator.TOKEN_BYTES))
    longest = shell.client_variables("http://127.0.0.1:65535", "127.0.0.1", "ap-southeast-1", keys)
    assert max(map(len, shell.exports(longest, platform).splitlines())) < 80
