"""What S3 tells of a bucket, asked of moto by real clients; moto tells anybody, so refusals are tested with a made-up S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployment.aws import bucket_facts
from deployment.aws.bucket_facts import BucketFacts
from deployment.errors import ConfigurationError
from tests.installations import ACCOUNT_ID, REGION, installed


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", REGION)
        client.create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


def ask(s3: Any, bucket: str) -> BucketFacts:
    return bucket_facts.ask(installed(s3=s3), bucket, ACCOUNT_ID)


def test_a_bucket_as_it_is_made_has_no_key_and_its_answers_show_whose_it_is(s3: Any) -> None:
    found = ask(s3, "plain")
    assert (found.is_owners, found.denied, found.key) == (True, (), "")


def test_who_takes_every_account_for_the_owner_as_moto_does_confirms_nobody(s3: Any) -> None:
    found = bucket_facts.ask(installed(s3=s3), "plain", "444455556666")
    assert (found.is_owners, found.owner_is_checked) == (True, False)
    assert ask(s3, "plain").owner_is_checked


def test_an_answer_without_a_payer_such_as_the_emulators_leaves_it_unknown(s3: Any) -> None:
    assert ask(s3, "plain").payer is None


def test_the_settings_of_a_bucket_are_read(s3: Any) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "abcd"}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket="plain", ServerSideEncryptionConfiguration=rules)
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket="plain", OwnershipControls=controls)
    found = ask(s3, "plain")
    assert (found.key, found.ownership) == ("abcd", "BucketOwnerPreferred")


def test_a_bucket_that_is_not_there_is_one_sentence(s3: Any) -> None:
    with pytest.raises(ConfigurationError, match="There is no bucket missing"):
        ask(s3, "missing")
