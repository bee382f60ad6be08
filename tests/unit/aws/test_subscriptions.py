"""Who has not confirmed to get notices: what `fab status` says of it."""

from __future__ import annotations

from typing import Any

from installations import installed
from samples import client_error

from deployment.aws.subscriptions import Subscriptions, read_subscriptions

TOPIC = "arn:aws:sns:eu-west-1:123456789012:sync-buckets-notices"


class Topics:
    """Two pages of subscriptions, or a refusal."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def get_paginator(self, operation: str) -> Topics:
        assert operation == "list_subscriptions_by_topic"
        return self

    def paginate(self, TopicArn: str) -> list[dict[str, Any]]:
        assert TopicArn == TOPIC
        if self.error:
            raise self.error
        agreed = {"SubscriptionArn": f"{TOPIC}:1", "Endpoint": "yes@example.com"}
        waiting = [
            {"SubscriptionArn": "PendingConfirmation", "Endpoint": f"{who}@example.com"} for who in "ba"
        ]
        return [{"Subscriptions": [agreed, waiting[0]]}, {"Subscriptions": waiting[1:]}]


def test_who_has_not_confirmed_is_named_with_what_becomes_of_it() -> None:
    found = read_subscriptions(installed(sns=Topics()), TOPIC)
    assert found == Subscriptions(("a@example.com", "b@example.com"))
    assert found.sentences()[0] == (
        "Notices: a@example.com has not confirmed yet. The mail from AWS has the link; without it the subscription is forgotten "
        "after 48 hours, and docs/notices.md says how it is made again."
    )


def test_without_a_topic_nobody_is_asked() -> None:
    assert read_subscriptions(installed(), None) == Subscriptions()
    assert Subscriptions().sentences() == []


def test_whoever_may_not_ask_reads_why() -> None:
    denied = client_error(403, "AuthorizationError", "ListSubscriptionsByTopic", "not you")
    (sentence,) = read_subscriptions(installed(sns=Topics(denied)), TOPIC).sentences()
    assert sentence.startswith("Who has confirmed to get notices could not be read: ")
    assert "not you" in sentence
