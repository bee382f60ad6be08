"""Walking through the state machine as it is deployed: which states a run enters, what they carry, what its history holds.

Of Amazon States Language it knows what our YAML uses: Pass, Task, Choice, Map, Succeed, Fail; paths of names; `$$`, the context.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# History events of a state, https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html. Task: entered,
# scheduled, started, succeeded, exited. Distributed Map: entered, started, run started, run succeeded, succeeded, exited. Others:
# entered, exited (Fail does not exit). An execution: started, succeeded. Children have histories of their own.
EVENTS = {"Pass": 2, "Choice": 2, "Succeed": 2, "Task": 5, "Map": 6, "Fail": 1}
EVENTS_OF_EXECUTION = 2

State = Mapping[str, Any]


@dataclass
class Walk:
    """What one execution has entered so far."""

    definition: State
    context: Mapping[str, Any]
    task: Callable[[str, State, Any], Any]
    run_map: Callable[[str, State, Any], None] = lambda name, state, data: None
    entered: Counter[str] = field(default_factory=Counter)
    largest_bytes: int = 0
    inline_events: int = 0
    """Of the iterations of inline Maps: started, succeeded, and what is in between."""

    @property
    def events(self) -> int:
        """History events so far."""
        types = ((self.definition["States"][name]["Type"], times) for name, times in self.entered.items())
        return EVENTS_OF_EXECUTION + self.inline_events + sum(EVENTS[kind] * times for kind, times in types)

    @property
    def transitions(self) -> int:
        """State transitions so far; the start counts as one (https://aws.amazon.com/step-functions/pricing/)."""
        return 1 + self.entered.total()

    def go(self, data: Any) -> Any:
        """Walk to the end; return what the last state had."""
        name: str | None = self.definition["StartAt"]
        while name:
            state = self.definition["States"][name]
            self.entered[name] += 1
            data = self._pass_through(name, state, data)
            self.largest_bytes = max(self.largest_bytes, size_of(data))
            name = _chosen(state, data) if state["Type"] == "Choice" else state.get("Next")
        return data

    def _pass_through(self, name: str, state: State, data: Any) -> Any:
        if state["Type"] == "Map":
            self.run_map(name, state, data)
        if state["Type"] not in ("Task", "Pass"):
            return data
        given = filled(state["Parameters"], data, self.context) if "Parameters" in state else data
        self.largest_bytes = max(self.largest_bytes, size_of(given))
        result = self.task(name, state, given) if state["Type"] == "Task" else given
        if "ResultSelector" in state:
            result = filled(state["ResultSelector"], result, self.context)
        slot = state.get("ResultPath", "$")
        return result if slot == "$" else {**data, slot.removeprefix("$."): result}


def filled(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    """Return a template of `Parameters` or `ItemSelector` with its paths replaced by what is there."""
    if not isinstance(template, Mapping):
        return template
    return {
        name.removesuffix(".$"): at(value, data, context)
        if name.endswith(".$")
        else filled(value, data, context)
        for name, value in template.items()
    }


def at(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    """Return what is at `$.a.b`, or in the context at `$$.A.B`."""
    found = context if path.startswith("$$") else data
    for name in path.lstrip("$").split(".")[1:]:
        found = found[name]
    return found


def _chosen(state: State, data: Any) -> str:
    for rule in state["Choices"]:
        value = at(rule["Variable"], data, {})
        if "NumericGreaterThan" in rule and value > rule["NumericGreaterThan"]:
            return str(rule["Next"])
        if value in (rule.get("StringEquals"), rule.get("BooleanEquals")):
            return str(rule["Next"])
    return str(state["Default"])


def size_of(data: Any) -> int:
    """Return the bytes of data as JSON, as Step Functions counts them."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
