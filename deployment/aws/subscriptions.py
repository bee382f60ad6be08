"""Whether those who are to be told have agreed to it: the subscriptions of the topic that notices go to."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.errors import aws_sentence
from deployment.aws.installation import Installation

# https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
PENDING = "PendingConfirmation"
# https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html
FORGOTTEN_AFTER_HOURS = 48


@dataclass(frozen=True)
class Subscriptions:
    """The addresses that have not confirmed yet; `problem` is why nobody could tell, in a sentence."""

    pending: tuple[str, ...] = ()
    problem: str = ""

    def sentences(self) -> list[str]:
        """Return what a person has to know."""
        if self.problem:
            return [f"Who has confirmed to get notices could not be read: {self.problem}"]
        return [
            f"Notices: {address} has not confirmed yet. The mail from AWS has the link; without it the subscription is "
            f"forgotten after {FORGOTTEN_AFTER_HOURS} hours, and docs/notices.md says how it is made again."
            for address in self.pending
        ]


def read_subscriptions(installation: Installation, topic_arn: str | None) -> Subscriptions:
    """Return the subscriptions of a topic that wait; none where there is no topic. What may not be asked is no error."""
    if not topic_arn:
        return Subscriptions()
    pages = installation.client("sns").get_paginator("list_subscriptions_by_topic")
    try:
        found = [one for page in pages.paginate(TopicArn=topic_arn) for one in page["Subscriptions"]]
    except (ClientError, BotoCoreError) as error:
        return Subscriptions(problem=aws_sentence(error))
    return Subscriptions(tuple(sorted(one["Endpoint"] for one in found if one["SubscriptionArn"] == PENDING)))
