"""The schedules of a stack at a glance, for `fab status`: how many, which are paused, how much waits in the dead-letter queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import aws_sentence
from deployment.aws.installation import Installation
from deployment.build.schedule_resources import group_of
from deployment.schedules import steps
from deployment.text import quantity

_DEPTH = "ApproximateNumberOfMessages"
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html"""


@dataclass(frozen=True)
class Overview:
    """What is known; `dead_letters` is the queue's approximate number of messages; `problem` says why the rest is unknown."""

    scheduled: int = 0
    paused: tuple[str, ...] = ()
    dead_letters: int = 0
    problem: str = ""

    def lines(self) -> list[str]:
        """Return a line about the schedules, and one about starts that failed where there are any."""
        if self.problem:
            return [f"Schedules: not known: {self.problem}"]
        paused = f", paused: {', '.join(self.paused)}" if self.paused else ""
        lines = [
            f"Schedules: {self.scheduled or 'none'}{paused}. Starts that failed: {self.dead_letters or 'none'}"
        ]
        if self.dead_letters:
            waiting = quantity(self.dead_letters, "message")
            lines.append(
                f"  {waiting} in the dead-letter queue: an execution was not started. See docs/schedules.md."
            )
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return the same for a JSON document."""
        return {
            "scheduled": None if self.problem else self.scheduled,
            "paused": list(self.paused),
            "deadLetters": None if self.problem else self.dead_letters,
            "problem": self.problem or None,
        }


def read(installation: Installation, outputs: Mapping[str, str]) -> Overview | None:
    """Return the overview of a stack with these outputs, None where it has no schedules."""
    group = group_of(outputs)
    if group is None:
        return None
    try:
        found = steps.known(installation, outputs)
        attributes = installation.client("sqs").get_queue_attributes(
            QueueUrl=group.queue_url, AttributeNames=[_DEPTH]
        )["Attributes"]
    except ClientError as error:  # whoever only looks may not be allowed to look here
        return Overview(problem=aws_sentence(error))
    paused = tuple(name for name, schedule in found.items() if schedule.is_paused)
    return Overview(len(found), paused, int(attributes[_DEPTH]))
