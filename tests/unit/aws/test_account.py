"""The way into an AWS account: every reason why there is none, as one sentence that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
)

from deployment.aws.account import CLIENT_CONFIG, Account, Session, connect, state_machine_link
from deployment.errors import CredentialsError
from deployment.project.settings import Settings

IDENTITY = {"Account": "123456789012", "Arn": "arn:aws-cn:iam::123456789012:user/me"}


class FakeSession:
    """A session whose STS answers with an identity, or raises."""

    def __init__(self, answer: Any = IDENTITY, region: str | None = "cn-north-1") -> None:
        self.region_name = region
        self.answer = answer
        self.made: list[str] = []
        self.arguments: dict[str, Any] = {}

    def __call__(self, **arguments: Any) -> FakeSession:
        self.arguments = arguments
        if isinstance(self.answer, ProfileNotFound):
            raise self.answer
        return self

    def client(self, service: str, **_: Any) -> Any:
        self.made.append(service)
        return self

    def get_caller_identity(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refusal(code: str, operation: str = "GetCallerIdentity", message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def test_an_account_knows_its_number_region_and_partition() -> None:
    session = FakeSession()

    account = connect(Settings(profile="prod", region="cn-north-1"), session)

    assert account == Account(session, "123456789012", "cn-north-1", "aws-cn")
    assert account.caller == session.answer["Arn"]
    assert session.arguments == {"profile_name": "prod", "region_name": "cn-north-1"}


def test_a_service_has_one_client_however_often_it_is_asked_for() -> None:
    session = FakeSession()
    account = connect(Settings(), session)

    account.client("s3")
    account.client("s3")
    account.client("sts")

    assert session.made == ["sts", "s3"]


@pytest.mark.parametrize(
    "error, settings, sentence",
    [
        (
            NoCredentialsError(),
            Settings(),
            "There are no AWS credentials. Set AWS_PROFILE in fabfile_config.py or in the environment, or run "
            "`aws configure`.",
        ),
        (
            ProfileNotFound(profile="prod"),
            Settings(profile="prod"),
            "The AWS profile prod is not configured. Run `aws configure list-profiles` to see those that are, and set "
            "AWS_PROFILE in fabfile_config.py or in the environment.",
        ),
        (
            InvalidRegionError(region_name="eu west"),
            Settings(region="eu west"),
            "'eu west' is not an AWS region. Set AWS_REGION in fabfile_config.py or in the environment, for example "
            "to eu-west-1.",
        ),
        (
            SSOTokenLoadError(error_msg="Token has expired\nand refresh failed", profile_name="prod"),
            Settings(profile="prod"),
            "The sign-in has expired (Error loading SSO Token: Token has expired and refresh failed). "
            "Run `aws sso login --profile prod`.",
        ),
        (
            CredentialRetrievalError(provider="custom", error_msg="no such program"),
            Settings(),
            "The AWS credentials could not be fetched: Error when retrieving credentials from custom: no such program",
        ),
        (
            EndpointConnectionError(endpoint_url="https://sts.eu-wst-1.amazonaws.com/"),
            Settings(),
            'Could not connect to the endpoint URL: "https://sts.eu-wst-1.amazonaws.com/". Check the network, the '
            "region's name and AWS_ENDPOINT_URL.",
        ),
        (
            refusal("ExpiredToken"),
            Settings(),
            "The AWS credentials have expired (ExpiredToken). Sign in again, for example with `aws sso login`; if "
            "they are new, check this computer's clock.",
        ),
        (
            refusal("InvalidClientTokenId"),
            Settings(),
            "AWS does not know these credentials (InvalidClientTokenId). Check AWS_PROFILE, or the access key and its "
            "secret.",
        ),
        (
            refusal("AccessDenied", message="an explicit deny"),
            Settings(),
            "AWS refused GetCallerIdentity with AccessDenied: an explicit deny",
        ),
    ],
)
def test_every_closed_way_into_the_account_has_its_sentence(
    error: Exception, settings: Settings, sentence: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        connect(settings, FakeSession(error))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("region", [None, "eu-west-1"])
def test_a_profile_that_is_not_configured_is_found_out_by_the_real_session(
    region: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    with pytest.raises(CredentialsError) as caught:
        connect(Settings(profile="prod", region=region))

    assert str(caught.value).startswith("The AWS profile prod is not configured.")


def test_the_real_session_takes_its_region_from_the_settings_or_from_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[profile prod]\nregion = sa-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    assert Session("prod").region_name == "sa-east-1"
    assert Session("prod", "eu-west-1").region_name == "eu-west-1"
    assert Session().region_name is None
    client = Session("prod").client("sts", config=CLIENT_CONFIG)
    assert (client.meta.region_name, client.meta.config.connect_timeout) == ("sa-east-1", 10)


def test_without_a_region_nothing_is_asked() -> None:
    session = FakeSession(region=None)

    with pytest.raises(CredentialsError) as caught:
        connect(Settings(), session)

    assert str(caught.value) == (
        "No AWS region is set. Set AWS_REGION in fabfile_config.py or in the environment, for example to eu-west-1."
    )
    assert session.made == []


def test_an_account_that_is_allowed_is_opened() -> None:
    settings = Settings(allowed_accounts=("111122223333", "123456789012"))

    assert connect(settings, FakeSession()).account_id == "123456789012"


def test_any_other_account_is_refused_in_one_sentence_after_sts_alone_was_asked() -> None:
    session = FakeSession()

    with pytest.raises(CredentialsError) as caught:
        connect(Settings(allowed_accounts=("111122223333", "444455556666")), session)

    assert str(caught.value) == (
        "These credentials belong to account 123456789012, and ALLOWED_ACCOUNTS in fabfile_config.py allows only "
        "111122223333, 444455556666. Nothing was touched. Set AWS_PROFILE to a profile of an allowed account, or add "
        "123456789012 to ALLOWED_ACCOUNTS."
    )
    assert session.made == ["sts"]


@pytest.mark.parametrize(
    "partition, region, start",
    [
        ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
        ("aws-eusc", "eusc-de-east-1", "https://eusc-de-east-1.console.amazonaws-eusc.eu/"),
    ],
)
def test_every_partition_has_a_console_of_its_own(partition: str, region: str, start: str) -> None:
    arn = f"arn:{partition}:states:{region}:123456789012:stateMachine:x"

    assert state_machine_link(arn) == f"{start}states/home?region={region}#/statemachines/view/{arn}"


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_an_empty_profile_in_the_environment_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore alone would look for a profile without a name."""
    monkeypatch.setenv(name, "")

    session = Session()

    assert session.region_name == "eu-west-1"
    assert session.client("sts", config=CLIENT_CONFIG).meta.region_name == "eu-west-1"


def test_an_empty_region_in_the_environment_leaves_the_profiles_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default]\nregion = ap-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")

    assert Session().region_name == "ap-south-1"
