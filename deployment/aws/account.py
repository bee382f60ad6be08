"""Opens the AWS account: credentials, region, partition, the one client of each service, and links into its console.

Comes after `settings` and before everything that calls AWS. Which endpoint answers is botocore's business
(AWS_ENDPOINT_URL), nothing here or later asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    InvalidRegionError,
    NoRegionError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from deployment.aws.errors import aws_sentence, error_code
from deployment.errors import CredentialsError
from deployment.project.settings import Settings

CLIENT_CONFIG = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10)
"""Seconds, and five attempts at calls that are throttled or that a server's fault ended."""

# https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
_PROFILE_AND_REGION = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION")

_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_INVALID = (
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)

_CONSOLE_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}


class Session:
    """What the steps need of boto3's Session. Importing that takes as long as a call to AWS, for transfers and resources."""

    def __init__(self, profile_name: str | None = None, region_name: str | None = None) -> None:
        _forget_empty_variables(os.environ)
        self._session = botocore.session.Session(profile=profile_name)
        self.region_name: str | None = region_name or self._session.get_config_variable("region")

    def client(self, service: str, config: Config) -> Any:
        """Return a new client of a service, the same as boto3's."""
        return self._session.create_client(service, region_name=self.region_name, config=config)


@dataclass(frozen=True)
class Account:
    """An AWS account in one region, and the way into it."""

    session: Any
    account_id: str
    region: str
    partition: str
    _clients: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    caller: str = field(default="", compare=False)
    """The ARN of whoever is signed in, as GetCallerIdentity gives it."""

    @property
    def caller_name(self) -> str:
        """Return the caller as people call them: `ann` of a user, `Deployers/ann` of a role and its session, else `root`."""
        kind, *names = self.caller.rpartition(":")[2].split("/")
        return "/".join(names) if kind == "assumed-role" else [kind, *names][-1]

    def client(self, service: str) -> Any:
        """Return the client of a service, the same one every time."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service, config=CLIENT_CONFIG)
        return self._clients[service]


def connect(settings: Settings, new_session: Callable[..., Any] = Session) -> Account:
    """Return the account that the settings and the environment lead to.

    Raises CredentialsError if there is none, or if ALLOWED_ACCOUNTS does not have it; nothing but its number was asked.
    """
    try:
        session = new_session(profile_name=settings.profile, region_name=settings.region)
        if not session.region_name:
            raise NoRegionError()
        sts = session.client("sts", config=CLIENT_CONFIG)
        identity = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise CredentialsError(_advice(error, settings)) from error
    _guard(identity["Account"], settings)
    partition = identity["Arn"].split(":")[1]
    return Account(
        session, identity["Account"], session.region_name, partition, {"sts": sts}, identity["Arn"]
    )


def state_machine_link(arn: str) -> str:
    """Return the address of a state machine in the Step Functions console of its partition."""
    _, partition, _, region, *_ = arn.split(":")
    domain = _CONSOLE_DOMAINS.get(partition, _CONSOLE_DOMAINS["aws"])
    return f"https://{region}.{domain}/states/home?region={region}#/statemachines/view/{arn}"


def execution_link(execution_arn: str) -> str:
    """Return the address of the execution in the AWS console of its partition."""
    home = state_machine_link(execution_arn).partition("#")[0]
    return f"{home}#/v2/executions/details/{execution_arn}"


def _forget_empty_variables(environ: MutableMapping[str, str]) -> None:
    """Take `AWS_PROFILE=` for unset, as a shell script means it; botocore looks for a profile without a name."""
    for name in _PROFILE_AND_REGION:
        if environ.get(name) == "":
            del environ[name]


def _guard(found: str, settings: Settings) -> None:
    allowed = settings.allowed_accounts
    if allowed and found not in allowed:
        raise CredentialsError(
            f"These credentials belong to account {found}, and ALLOWED_ACCOUNTS in fabfile_config.py allows only "
            f"{', '.join(allowed)}. Nothing was touched. Set AWS_PROFILE to a profile of an allowed account, or add "
            f"{found} to ALLOWED_ACCOUNTS."
        )


def _advice(error: BotoCoreError | ClientError, settings: Settings) -> str:
    """Return what is wrong with the way into the account, and how to fix it."""
    if isinstance(error, ClientError):
        return _refusal_advice(error, settings)
    if isinstance(error, ProfileNotFound):
        return (
            f"The AWS profile {settings.profile} is not configured. Run `aws configure list-profiles` to see those "
            "that are, and set AWS_PROFILE in fabfile_config.py or in the environment."
        )
    if isinstance(error, (NoRegionError, InvalidRegionError)):
        found = f"{settings.region!r} is not an AWS region" if settings.region else "No AWS region is set"
        return (
            f"{found}. Set AWS_REGION in fabfile_config.py or in the environment, for example to eu-west-1."
        )
    if isinstance(error, (SSOError, TokenRetrievalError)):
        return f"The sign-in has expired ({_one_line(error)}). Run `aws sso login{_profile_flag(settings)}`."
    if isinstance(error, CredentialRetrievalError):
        return f"The AWS credentials could not be fetched: {_one_line(error)}"
    return aws_sentence(error)


def _refusal_advice(error: ClientError, settings: Settings) -> str:
    code = error_code(error)
    if code in _EXPIRED:
        return (
            f"The AWS credentials have expired ({code}). Sign in again, for example with "
            f"`aws sso login{_profile_flag(settings)}`; if they are new, check this computer's clock."
        )
    if code in _INVALID:
        return f"AWS does not know these credentials ({code}). Check AWS_PROFILE, or the access key and its secret."
    return aws_sentence(error)


def _profile_flag(settings: Settings) -> str:
    return f" --profile {settings.profile}" if settings.profile else ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
