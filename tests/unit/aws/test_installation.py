"""An installation in words, its tags, its clients, and its clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from deployment.aws.installation import Clock
from deployment.project.settings import Settings
from tests.installations import installed


def test_where_it_is_stands_in_words_in_every_form_that_a_sentence_needs() -> None:
    installation = installed(Settings(profile="prod"))

    assert installation.place == "account 123456789012, region eu-west-1"
    assert installation.full_place == "Account 123456789012, region eu-west-1, stack sync-buckets"
    assert installation.short_place == "123456789012/eu-west-1"
    assert installation.title == "sync-buckets in 123456789012/eu-west-1"
    assert installation.stack_title == "The stack sync-buckets in 123456789012/eu-west-1"
    assert installation.cli_flags == "--stack-name sync-buckets --region eu-west-1 --profile prod"
    assert installed().cli_flags == "--stack-name sync-buckets --region eu-west-1"
    assert installation.cli_place == "--region eu-west-1 --profile prod"
    assert installation.states_arn("execution", "m", "e") == (
        "arn:aws:states:eu-west-1:123456789012:execution:m:e"
    )
    assert installation.to_json() == {
        "account": "123456789012",
        "region": "eu-west-1",
        "stack": "sync-buckets",
    }


def test_only_what_has_the_tag_of_the_stack_is_its_own() -> None:
    installation = installed(Settings(tags={"team": "storage"}))

    assert installation.tags == {"team": "storage", "syncbuckets:stack": "sync-buckets"}
    assert installation.owns({"syncbuckets:stack": "sync-buckets"})
    assert not installation.owns({"syncbuckets:stack": "another"})
    assert not installation.owns({"team": "storage"})


def test_a_client_is_the_accounts() -> None:
    client = object()

    assert installed(cloudformation=client).cloudformation is client
    assert installed(stepfunctions=client).step_functions is client
    assert installed(s3=client).client("s3") is client


def test_the_clock_goes_in_utc_and_never_back() -> None:
    clock = Clock()

    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.monotonic() <= clock.monotonic()
