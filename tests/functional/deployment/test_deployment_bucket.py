"""The deployment bucket: made safe or not at all, filled with what is missing, never anybody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from deployment.aws.account import Account
from deployment.aws.installation import Installation
from deployment.build.bundle import Bundle
from deployment.cloudformation import deployment_bucket
from deployment.cloudformation.deployment_bucket import Missing
from deployment.errors import DeploymentBucketError
from deployment.project.settings import Settings
from tests.installations import installed

ACCOUNT_ID = "123456789012"
NAME = f"sync-buckets-deployment-{ACCOUNT_ID}-eu-west-1"
SETTINGS = Settings(tags={"team": "storage"})
ZIPS = (Bundle("copy_keys", "copy_keys-1.zip", b"one"), Bundle("tally_run", "tally_run-2.zip", b"two"))


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield installed(SETTINGS, session=boto3.Session(region_name="eu-west-1"))


def calls_of(installation: Installation) -> list[tuple[str, dict[str, Any]]]:
    """Return the list that all further S3 calls of the account are written to."""
    calls: list[tuple[str, dict[str, Any]]] = []
    installation.client("s3").meta.events.register(
        "provide-client-params.s3.*", lambda params, model, **_: calls.append((model.name, params))
    )
    return calls


def sent(installation: Installation, zips: Sequence[Bundle] = ()) -> list[str]:
    """Do what a deployment does."""
    return deployment_bucket.send(installation, deployment_bucket.find_missing(installation, zips))


def a_plain_bucket(installation: Installation) -> None:
    """Make the bucket without its policy, of which moto obeys the Deny and not the Condition."""
    location = {"LocationConstraint": "eu-west-1"}
    installation.client("s3").create_bucket(Bucket=NAME, CreateBucketConfiguration=location)


def buckets(installation: Installation) -> list[str]:
    return [bucket["Name"] for bucket in installation.client("s3").list_buckets()["Buckets"]]


def test_a_missing_bucket_is_made_safe(installation: Installation) -> None:
    sent(installation)

    s3 = installation.client("s3")
    assert s3.get_bucket_location(Bucket=NAME)["LocationConstraint"] == "eu-west-1"
    assert s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    rules = s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_bucket_ownership_controls(Bucket=NAME)["OwnershipControls"] == {
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
    }
    assert s3.get_bucket_lifecycle_configuration(Bucket=NAME)["Rules"] == [
        {
            "ID": "abort-incomplete-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
    ]
    assert s3.get_bucket_tagging(Bucket=NAME)["TagSet"] == [
        {"Key": "team", "Value": "storage"},
        {"Key": "syncbuckets:stack", "Value": "sync-buckets"},
    ]
    assert json.loads(s3.get_bucket_policy(Bucket=NAME)["Policy"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"],
                "Condition": condition,
            }
            for sid, condition in (
                ("TlsOnly", {"Bool": {"aws:SecureTransport": "false"}}),
                # What installations run is not made by them: no role of any has business here.
                ("KeepOtherInstallationsOut", {"Null": {"aws:PrincipalTag/syncbuckets:stack": "false"}}),
            )
        ],
    }


def test_in_us_east_1_no_location_is_given(installation: Installation) -> None:
    there = Installation(
        Account(boto3.Session(region_name="us-east-1"), ACCOUNT_ID, "us-east-1", "aws"), SETTINGS
    )

    sent(there)

    name = deployment_bucket.bucket_name(there)
    assert there.client("s3").get_bucket_location(Bucket=name)["LocationConstraint"] is None


def test_an_existing_bucket_costs_one_listing_and_is_not_changed(installation: Installation) -> None:
    a_plain_bucket(installation)
    calls = calls_of(installation)

    sent(installation)

    assert [name for name, _ in calls] == ["ListObjectsV2"]
    assert calls[0][1]["ExpectedBucketOwner"] == ACCOUNT_ID


def test_looking_makes_no_bucket_and_tells_that_there_is_none(installation: Installation) -> None:
    assert deployment_bucket.find_missing(installation, ZIPS) == Missing(False, ZIPS)
    assert buckets(installation) == []


def test_a_bucket_that_cannot_be_looked_at_for_another_reason_is_not_taken_for_missing(
    installation: Installation,
) -> None:
    def answer(**_: Any) -> None:
        metadata = {"HTTPStatusCode": 503}
        raise ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": metadata}, "ListObjectsV2")  # type: ignore[typeddict-item]

    installation.client("s3").meta.events.register("provide-client-params.s3.ListObjectsV2", answer)

    with pytest.raises(ClientError):
        deployment_bucket.find_missing(installation, ZIPS)


def test_every_call_but_the_creation_names_the_expected_owner(installation: Installation) -> None:
    calls = calls_of(installation)

    sent(installation)
    installation.client("s3").delete_bucket_policy(Bucket=NAME, ExpectedBucketOwner=ACCOUNT_ID)
    sent(installation, ZIPS)
    deployment_bucket.upload_template(installation, NAME, "{}")

    without = {name for name, params in calls if params.get("ExpectedBucketOwner") != ACCOUNT_ID}
    assert without == {"CreateBucket"}


def test_a_bucket_that_cannot_be_secured_is_removed_again(installation: Installation) -> None:
    installation.client("s3").meta.events.register("provide-client-params.s3.PutBucketPolicy", _interrupt)

    with pytest.raises(KeyboardInterrupt):
        sent(installation)
    assert buckets(installation) == []


def test_a_bucket_that_can_neither_be_secured_nor_removed_is_named(installation: Installation) -> None:
    events = installation.client("s3").meta.events
    events.register("provide-client-params.s3.PutBucketPolicy", _interrupt)
    events.register("provide-client-params.s3.DeleteBucket", _deny)

    with pytest.raises(DeploymentBucketError) as caught:
        sent(installation)
    assert str(caught.value) == (
        f"The bucket {NAME} was created, but could neither be secured nor removed. Run: aws s3 rb s3://{NAME}"
    )


def _interrupt(**_: Any) -> None:
    raise KeyboardInterrupt


def _deny(**_: Any) -> None:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteBucket")


@pytest.mark.parametrize("status", [301, 403])
def test_a_bucket_of_another_account_stops_with_a_sentence(installation: Installation, status: int) -> None:
    def answer(**_: Any) -> None:
        metadata = {"HTTPStatusCode": status}
        raise ClientError({"Error": {"Code": str(status)}, "ResponseMetadata": metadata}, "ListObjectsV2")  # type: ignore[typeddict-item]

    installation.client("s3").meta.events.register("provide-client-params.s3.ListObjectsV2", answer)

    with pytest.raises(DeploymentBucketError) as caught:
        sent(installation)

    assert str(caught.value) == (
        f"The bucket {NAME} exists, but account {ACCOUNT_ID} may not use it: another account owns it, or "
        "s3:ListBucket is not allowed. Allow it, or set another STACK_NAME in fabfile_config.py."
    )


def test_a_name_that_another_account_takes_at_the_last_moment_stops_with_the_same_sentence(
    installation: Installation,
) -> None:
    def answer(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "BucketAlreadyExists", "Message": ""}}, "CreateBucket")

    installation.client("s3").meta.events.register("provide-client-params.s3.CreateBucket", answer)

    with pytest.raises(DeploymentBucketError, match="another account owns it"):
        sent(installation)


def test_only_missing_zips_are_sent_and_their_keys_returned(installation: Installation) -> None:
    a_plain_bucket(installation)
    assert sent(installation, ZIPS[:1]) == ["copy_keys-1.zip"]
    calls = calls_of(installation)

    assert sent(installation, ZIPS) == ["tally_run-2.zip"]

    assert [name for name, _ in calls] == ["ListObjectsV2", "PutObject"]
    assert installation.client("s3").get_object(Bucket=NAME, Key="tally_run-2.zip")["Body"].read() == b"two"


def test_when_all_zips_are_there_one_listing_is_all_that_is_asked(installation: Installation) -> None:
    a_plain_bucket(installation)
    sent(installation, ZIPS)
    calls = calls_of(installation)

    assert sent(installation, ZIPS) == []
    assert [name for name, _ in calls] == ["ListObjectsV2"]


def test_a_template_is_named_by_its_content_and_found_at_its_url(installation: Installation) -> None:
    a_plain_bucket(installation)

    url = deployment_bucket.upload_template(installation, NAME, "{}")

    key = "templates/44136fa355b3678a.json"
    assert url == f"https://s3.eu-west-1.amazonaws.com/{NAME}/{key}"
    assert installation.client("s3").get_object(Bucket=NAME, Key=key)["Body"].read() == b"{}"


def test_a_template_is_sent_whatever_lies_under_its_name(installation: Installation) -> None:
    a_plain_bucket(installation)
    url = deployment_bucket.upload_template(installation, NAME, "{}")
    key = url.partition(f"{NAME}/")[2]
    installation.client("s3").put_object(Bucket=NAME, Key=key, Body=b"a foreign template")

    assert deployment_bucket.upload_template(installation, NAME, "{}") == url

    assert stored(installation, key) == b"{}"


def stored(installation: Installation, key: str) -> bytes:
    return installation.client("s3").get_object(Bucket=NAME, Key=key)["Body"].read()


@pytest.mark.parametrize("foreign", [b"", b"eno", b"longer", b"one "])
def test_a_foreign_zip_under_the_name_of_ours_is_replaced_and_costs_no_more_than_the_listing(
    installation: Installation, foreign: bytes
) -> None:
    a_plain_bucket(installation)
    sent(installation, ZIPS)
    installation.client("s3").put_object(Bucket=NAME, Key="copy_keys-1.zip", Body=foreign)
    calls = calls_of(installation)

    assert sent(installation, ZIPS) == ["copy_keys-1.zip"]

    assert [name for name, _ in calls] == ["ListObjectsV2", "PutObject"]
    assert stored(installation, "copy_keys-1.zip") == b"one"
    assert sent(installation, ZIPS) == []


def test_the_plan_tells_that_a_foreign_zip_is_not_ours(installation: Installation) -> None:
    a_plain_bucket(installation)
    sent(installation, ZIPS)
    installation.client("s3").put_object(Bucket=NAME, Key="tally_run-2.zip", Body=b"owt")

    assert deployment_bucket.find_missing(installation, ZIPS).keys == ["tally_run-2.zip"]


# Of parts, or encrypted with a key of KMS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
@pytest.mark.parametrize(
    "etag", [None, "", '"f97c5d29941bfb1b2fdab0874906ab82-1"', '"0123456789abcdef0123456789abcdef"']
)
def test_a_zip_whose_etag_is_not_the_md5_of_ours_is_sent_again(
    installation: Installation, etag: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_plain_bucket(installation)
    sent(installation, ZIPS)

    def change(parsed: dict[str, Any], **_: Any) -> None:
        for record in parsed.get("Contents", ()):
            record["ETag"] = etag

    installation.client("s3").meta.events.register("after-call.s3.ListObjectsV2", change)

    assert sent(installation, ZIPS) == [bundle.key for bundle in ZIPS]


def test_a_stack_name_in_capitals_gives_a_bucket_name_in_small_letters(installation: Installation) -> None:
    assert (
        deployment_bucket.bucket_name(replace(installation, settings=Settings(stack_name="Sync")))
        == f"sync-deployment-{ACCOUNT_ID}-eu-west-1"
    )


def test_a_stack_name_that_makes_the_buckets_name_too_long_is_told_by_how_much(
    installation: Installation,
) -> None:
    with pytest.raises(DeploymentBucketError) as caught:
        deployment_bucket.find_missing(replace(installation, settings=Settings(stack_name="a" * 40)), ())

    assert str(caught.value) == (
        f"The deployment bucket would be called {'a' * 40}-deployment-{ACCOUNT_ID}-eu-west-1, 11 characters over the "
        "63 that S3 allows. Set a shorter STACK_NAME in fabfile_config.py."
    )
