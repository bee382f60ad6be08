"""Whose a resource of notices and alarms is, in words: their logical ids end with digits, which nobody knows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployment.build.notices.notice_resources import RULES, TOPIC, TOPIC_POLICY


def whose(logical_id: str, template: Mapping[str, Any]) -> str:
    """Return `alarm of photos` or `mails to ops@example.com`, "" for what has nothing to do with notices."""
    resource = template.get("Resources", {}).get(logical_id, {})
    words = _WORDS.get(resource.get("Type", ""))
    return words(logical_id, resource.get("Properties", {})) if words else ""


def _alarm(_: str, properties: Mapping[str, Any]) -> str:
    names = [one.get("Value") for one in properties.get("Dimensions", ()) if one.get("Name") == "Sync"]
    return f"alarm of {names[0]}" if names else "alarm of all failed runs"


def _subscription(_: str, properties: Mapping[str, Any]) -> str:
    return f"mails to {properties.get('Endpoint')}"


def _rule(logical_id: str, _: Mapping[str, Any]) -> str:
    notice = RULES.get(logical_id)
    return f"notice of runs that ended {' or '.join(notice.statuses)}" if notice else ""


def _topic(logical_id: str, _: Mapping[str, Any]) -> str:
    return {TOPIC: "topic of the notices", TOPIC_POLICY: "who may send notices"}.get(logical_id, "")


def _dashboard(_: str, properties: Mapping[str, Any]) -> str:
    return f"dashboard {properties.get('DashboardName')}"


_WORDS: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _dashboard,
    "AWS::Events::Rule": _rule,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::TopicPolicy": _topic,
}
