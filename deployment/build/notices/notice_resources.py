"""Notices of how runs end: rules of EventBridge and alarms, and the topic that sends both on.

The part of `template` that NOTIFY and DASHBOARD ask for; without them the template has none of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployment.build import policies
from deployment.build.notices import metric_resources, notice_texts
from deployment.project.setting_values import ALWAYS
from deployment.project.settings import Settings
from deployment.project.tags import tags_of, upper_case_list

TOPIC = "NoticeTopic"
TOPIC_POLICY = "NoticeTopicPolicy"
RULES = {
    "NoticeOfFailure": notice_texts.FAILED,
    "NoticeOfEnd": notice_texts.ENDED,
    "NoticeOfSuccess": notice_texts.SUCCEEDED,
}
RESERVED = (TOPIC, TOPIC_POLICY, *RULES, metric_resources.FAILED_ALARM, metric_resources.DASHBOARD)
"""Logical ids; those of subscriptions and of alarms of syncs end with hexadecimal digits."""

TOPIC_OUTPUT = "NoticeTopicArn"

Resource = dict[str, Any]


def parts(settings: Settings, machine_names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what the template gets, by its sections: `Resources`, and where they are needed `Mappings` and `Outputs`."""
    dashboard = metric_resources.dashboard(settings)
    if not settings.notify:
        return {"Resources": dashboard}
    rules = _rules(settings, machine_names)
    alarms = metric_resources.alarms(settings, topic_arn(settings))
    own = {} if isinstance(settings.notify, str) else _own_topic(settings, list(rules))
    return {
        "Resources": {**own, **rules, **alarms, **dashboard},
        "Mappings": notice_texts.mappings(),
        "Outputs": {TOPIC_OUTPUT: {"Value": {"Ref": TOPIC}}} if own else {},
    }


def notes(settings: Settings) -> Iterator[str]:
    """Yield what a configuration will not come to, though nothing in it is wrong by itself."""
    region = settings.notify.split(":")[3] if isinstance(settings.notify, str) else None
    if region and settings.region and region != settings.region:
        yield (
            f"NOTIFY is a topic of {region}, and AWS_REGION is {settings.region}: rules and alarms send to topics of their own "
            "region only, so the deployment will be refused."
        )
    yield from metric_resources.notes(settings)


def mails(settings: Settings) -> dict[str, str]:
    """Return the addresses that get mails, by the logical ids of their subscriptions."""
    addresses = () if isinstance(settings.notify, str) else settings.notify
    return {f"NoticeSubscription{_digits(address)}": address for address in addresses}


def topic_arn(settings: Settings) -> Any:
    """Return the topic that notices go to: that of the configuration, or the stack's own."""
    return settings.notify if isinstance(settings.notify, str) else {"Ref": TOPIC}


def _own_topic(settings: Settings, rules: Sequence[str]) -> dict[str, Resource]:
    properties = {
        "TopicName": f"{settings.stack_name}-notices",
        "DisplayName": "SyncBuckets",
        "Tags": upper_case_list(tags_of(settings)),
    }
    policy = {"Topics": [{"Ref": TOPIC}], "PolicyDocument": _topic_policy(settings, rules)}
    return {
        TOPIC: {"Type": "AWS::SNS::Topic", "Properties": properties},
        TOPIC_POLICY: {"Type": "AWS::SNS::TopicPolicy", "Properties": policy},
        **{logical_id: _subscription(address) for logical_id, address in mails(settings).items()},
    }


def _subscription(address: str) -> Resource:
    endpoint = {"TopicArn": {"Ref": TOPIC}, "Protocol": "email", "Endpoint": address}
    return {"Type": "AWS::SNS::Subscription", "Properties": endpoint}


def _topic_policy(settings: Settings, rules: Sequence[str]) -> dict[str, Any]:
    """Only these rules of EventBridge and this stack's alarms may publish.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    alarms = policies.sub(
        f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{settings.stack_name}-*"
    )
    by_rules = {"ArnEquals": {"aws:SourceArn": [{"Fn::GetAtt": [rule, "Arn"]} for rule in rules]}}
    by_alarms = {
        "ArnLike": {"aws:SourceArn": alarms},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }
    return policies.document(
        [
            _may_publish("NoticesOfTheRules", "events.amazonaws.com", by_rules),
            _may_publish("NoticesOfTheAlarms", "cloudwatch.amazonaws.com", by_alarms),
        ]
    )


def _may_publish(sid: str, service: str, condition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": {"Ref": TOPIC},
        "Condition": dict(condition),
    }


def _rules(settings: Settings, machine_names: Sequence[str]) -> dict[str, Resource]:
    if not machine_names:
        return {}
    sent = {
        logical_id: notice
        for logical_id, notice in RULES.items()
        if notice is not notice_texts.SUCCEEDED or settings.notify_on == ALWAYS
    }
    return {logical_id: _rule(logical_id, settings, machine_names) for logical_id in sent}


def _rule(logical_id: str, settings: Settings, machine_names: Sequence[str]) -> Resource:
    notice = RULES[logical_id]
    kind = logical_id.removeprefix("NoticeOf").lower()
    target = {
        "Id": "Topic",
        "Arn": topic_arn(settings),
        "InputTransformer": notice_texts.transformer(notice),
    }
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Name": f"{settings.stack_name}-notice-of-{kind}",
            "Description": f"Executions of {settings.stack_name} that ended {' or '.join(notice.statuses)}",
            "EventPattern": notice_texts.pattern(notice, machine_names),
            "Targets": [target],
        },
    }


def _digits(text: str) -> str:
    """Return ten digits of a text, so that what is made for it keeps its logical id whatever stands beside it."""
    return hashlib.sha256(text.lower().encode()).hexdigest()[:10]
