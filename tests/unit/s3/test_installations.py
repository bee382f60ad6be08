"""The buckets of installations: known by their names, or asked for their tags where a name is only like one of those."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from samples import client_error, run_of

from deployment.aws.account import Account
from deployment.aws.installation import Installation
from deployment.cloudformation import deployment_bucket
from deployment.project import tags
from deployment.project.settings import Settings
from lambda_functions.shared.bucket_names import is_of_an_installation, may_be_of_an_installation
from lambda_functions.shared.errors import Refused
from lambda_functions.shared.s3 import installations

OURS = [
    "sync-buckets-workbucket-1a2b3c4d5e6f",
    "sync-buckets-workbucket-abcdefghijklm",
    "x-workbucket-123456789012",
    "other-team-deployment-111122223333-eu-west-1",
    "a-deployment-123456789012-us-gov-west-1",
    "a-deployment-123456789012-us-isof-south-1",
]
ALIKE = [
    "team-workbucket",
    "workbucket-2024",
    "Sync-WorkBucket-abcdefghijkl",
    "sync-buckets-workbucket-short",
    "app-deployment-123456789012",
    "app-deployment-123456789012-eu-west-1-old",
    "App-Deployment-123456789012-eu-west-1",
]
OTHERS = [
    "photos",
    "deployment",
    "app-deployment-artifacts",
    "my-work-bucket",
    "networkbucket-1",
    "x-deployment-12345",
]


class Tagged:
    """A client that knows the tags of some buckets; the others refuse to tell, or fail."""

    def __init__(
        self, tags: dict[str, dict[str, str]] | None = None, error: ClientError | None = None
    ) -> None:
        self.tags, self.error = tags or {}, error
        self.asked: list[dict[str, Any]] = []

    def get_bucket_tagging(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if self.error:
            raise self.error
        found = self.tags[asked["Bucket"]]
        if not found:
            raise client_error(404, "NoSuchTagSet", "GetBucketTagging")
        return {"TagSet": [{"Key": key, "Value": value} for key, value in found.items()]}


def refusal_by_name(**options: Any) -> str:
    with pytest.raises(Refused) as caught:
        installations.refuse_own_buckets(run_of(**options).options, {"own-work"})
    assert caught.value.error == "InvalidInput"
    return caught.value.cause


def refusal_by_tags(client: Tagged, **options: Any) -> str:
    with pytest.raises(Refused) as caught:
        installations.refuse_tagged_buckets(client, run_of(**options).options)
    assert caught.value.error == "InvalidInput"
    return caught.value.cause


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_bucket_that_this_installation_works_with_is_refused_on_either_side(side: str) -> None:
    assert refusal_by_name(**{side: "own-work"}) == (
        f'"{side}" is "own-work", which SyncBuckets itself works with; expected a bucket of your own. Nothing was changed.'
    )


@pytest.mark.parametrize("bucket", OURS)
@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_bucket_that_is_an_installation_s_by_its_name_is_refused_on_either_side(
    side: str, bucket: str
) -> None:
    assert refusal_by_name(**{side: bucket}) == (
        f'"{side}" is "{bucket}", by its name a bucket that an installation of SyncBuckets works with; expected a bucket of your '
        "own. Nothing was changed."
    )


@pytest.mark.parametrize("stack", ["sync-buckets", "a", "b-2", "x" * 23])
@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-east-1", "ap-southeast-7", "us-isof-south-1"])
def test_every_deployment_bucket_that_we_make_is_known_by_its_name(stack: str, region: str) -> None:
    installation = Installation(Account(None, "123456789012", region, "aws"), Settings(stack_name=stack))
    assert is_of_an_installation(deployment_bucket.bucket_name(installation))


@pytest.mark.parametrize("bucket", [*ALIKE, *OTHERS])
def test_other_names_are_not_refused_as_such(bucket: str) -> None:
    installations.refuse_own_buckets(run_of(source=bucket).options, {"own-work"})
    assert not is_of_an_installation(bucket)


def test_what_is_like_such_a_name_is_asked_for_tags_and_nothing_else_is() -> None:
    assert [name for name in [*OURS, *ALIKE] if not may_be_of_an_installation(name)] == []
    assert [name for name in OTHERS if may_be_of_an_installation(name)] == []
    client = Tagged()
    installations.refuse_tagged_buckets(client, run_of(source="photos", destination="copies").options)
    assert client.asked == []


@pytest.mark.parametrize("bucket", ALIKE)
@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_bucket_with_the_tag_of_an_installation_is_refused(side: str, bucket: str) -> None:
    client = Tagged({bucket: {"team": "x", "syncbuckets:stack": "theirs"}})
    assert refusal_by_tags(client, **{side: bucket}) == (
        f'"{side}" is "{bucket}", by its tags a bucket of the installation \'theirs\' of SyncBuckets; expected a bucket of your '
        "own. Nothing was changed."
    )
    assert client.asked == [{"Bucket": bucket}]


def test_the_owner_that_is_expected_is_named_when_tags_are_asked_for() -> None:
    client = Tagged({"workbucket-a": {}, "workbucket-b": {"team": "x"}})
    options = run_of(
        source="workbucket-a", destination="workbucket-b", destinationOwner="111122223333"
    ).options
    installations.refuse_tagged_buckets(client, options)
    assert client.asked == [
        {"Bucket": "workbucket-a"},
        {"Bucket": "workbucket-b", "ExpectedBucketOwner": "111122223333"},
    ]


def test_a_bucket_whose_tags_may_not_be_read_is_not_taken_for_one_without_any() -> None:
    client = Tagged(error=client_error(403, "AccessDenied", "GetBucketTagging"))
    assert refusal_by_tags(client, destination="my-workbucket") == (
        '"destination" is "my-workbucket", which may be one that an installation of SyncBuckets works with, and its tags may not '
        "be read; expected a bucket of your own or s3:GetBucketTagging in the policy of this one. Nothing was changed."
    )


@pytest.mark.parametrize("status", [500, 503])
def test_a_passing_failure_is_no_answer_and_no_refusal(status: int) -> None:
    client = Tagged(error=client_error(status, "SlowDown", "GetBucketTagging"))
    with pytest.raises(ClientError):
        installations.refuse_tagged_buckets(client, run_of(destination="my-workbucket").options)


def test_both_sides_know_installations_by_the_same_tag() -> None:
    assert installations.STACK_TAG == tags.STACK_TAG
