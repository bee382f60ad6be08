"""What makes a rendered state machine wrong, or right but dangerous.

`checks` calls it for every file. statelint knows the language; the rules here are what it does not know,
and what SyncBuckets asks of its machines besides: a run of a billion objects must neither hang, nor fail
for want of a retry, nor carry its results in its state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from statelint.linter import Linter

from deployment.definitions import MachineSpec, lambda_of, states_of
from deployment.errors import Problem

# statelint knows the language's specification; these are AWS's extensions of it for Distributed Maps, and
# its wish for whole numbers where AWS and the emulators want a float.
# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
STATELINT_EXEMPTIONS = tuple(
    re.compile(pattern)
    for pattern in (
        r'Field "Label" not allowed in .*',
        r'Field "(InputType|CSVHeaderLocation|CSVHeaders|CSVDelimiter|ItemsPointer|ManifestType|Transformation)" '
        r"not allowed in .*\.ReaderConfig",
        r'Field "WriterConfig" not allowed in .*\.ResultWriter',
        r".*\.ToleratedFailurePercentage is \d+\.\d+ but should be an Integer",
    )
)

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
MAX_LABEL_LENGTH = 40
_NOT_IN_LABELS = re.compile(r'[\s?*<>{}\[\]:;,\\|^~$#%&`"\x00-\x1f\x7f-\x9f]')

# https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
INPUT_TYPES = ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET")

State = Mapping[str, Any]


def problems(
    machine: MachineSpec, rendered: Mapping[str, Any], timeouts: Mapping[str, int]
) -> Iterator[Problem]:
    """Yield what is wrong with a machine; `timeouts` are those of its Lambdas by file name, in seconds."""
    for message in _statelint(rendered):
        yield Problem(machine.where, _line_of(message, machine), f"{message} (statelint)")
    called = {name: lambda_of(state) for name, state in states_of(machine.definition)}
    for name, state in states_of(rendered):
        for message in _broken_rules(state, timeouts.get(called.get(name) or "")):
            yield Problem(machine.where, machine.state_lines.get(name), f"the state {name} {message}")


def _statelint(rendered: Mapping[str, Any]) -> Iterator[str]:
    for message in Linter.validate(dict(rendered)):
        if not any(exemption.fullmatch(message) for exemption in STATELINT_EXEMPTIONS):
            yield message


def _line_of(message: str, machine: MachineSpec) -> int | None:
    """The line of the innermost state that a message of statelint names by its path."""
    places = {
        match.start(): line
        for name, line in machine.state_lines.items()
        for match in re.finditer(rf"\.(States\.)?{re.escape(name)}(?=[.\s]|$)", message)
    }
    return places[max(places)] if places else None


def _broken_rules(state: State, lambda_timeout_seconds: int | None) -> Iterator[str]:
    for rule in RULES.get(state.get("Type", ""), ()):
        yield from rule(state)
    if lambda_timeout_seconds is not None:
        yield from _waits_for_its_lambda(state, lambda_timeout_seconds)
    yield from _catches_all_last(state)


def _has_a_timeout(state: State) -> Iterator[str]:
    if not {"TimeoutSeconds", "TimeoutSecondsPath"} & state.keys():
        yield "has no TimeoutSeconds: an answer that never comes would be waited for until the year is over"


def _waits_for_its_lambda(state: State, lambda_timeout_seconds: int) -> Iterator[str]:
    timeout_seconds = state.get("TimeoutSeconds")
    if isinstance(timeout_seconds, int) and timeout_seconds <= lambda_timeout_seconds:
        yield (
            f"has TimeoutSeconds: {timeout_seconds}, but its Lambda may take {lambda_timeout_seconds}; "
            "expected more, or the task is given up while it is still at work"
        )


def _is_retried(state: State) -> Iterator[str]:
    if not state.get("Retry"):
        yield "has no Retry: one throttled call would fail the run"


def _catches_all_last(state: State) -> Iterator[str]:
    """What https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html asks for."""
    for field in ("Retry", "Catch"):
        listed = state.get(field) or []
        for position, entry in enumerate(listed, start=1):
            errors = entry.get("ErrorEquals", [])
            if "States.ALL" in errors and (len(errors) > 1 or position < len(listed)):
                yield f"has States.ALL in entry {position} of {field}: it must stand alone, in the last entry"


def _is_distributed(state: State) -> bool:
    config: Mapping[str, Any] = state.get("ItemProcessor", {}).get("ProcessorConfig", {})
    return config.get("Mode") == "DISTRIBUTED"


def _has_a_good_label(state: State) -> Iterator[str]:
    label = state.get("Label")
    if label is None and _is_distributed(state):
        yield "has no Label: AWS would make one up, and the names of its children could not be foreseen"
    elif label is not None and (not isinstance(label, str) or len(label) > MAX_LABEL_LENGTH):
        yield f"has the Label {label!r}: expected text of {MAX_LABEL_LENGTH} characters at most"
    elif label is not None and _NOT_IN_LABELS.search(label):
        yield f'has the Label {label!r}: expected no spaces and none of ?*<>{{}}[]:;,\\|^~$#%&`"'


def _tolerates_floats(state: State) -> Iterator[str]:
    tolerance = state.get("ToleratedFailurePercentage")
    if tolerance is not None and (not isinstance(tolerance, float) or not 0 <= tolerance <= 100):
        yield f"has ToleratedFailurePercentage: {tolerance!r}: expected 0.0 to 100.0, with a decimal point"


def _reads_items_as_it_can(state: State) -> Iterator[str]:
    reader = state.get("ItemReader")
    if reader is None:
        return
    if not _is_distributed(state):
        yield "has an ItemReader, which only a Map with Mode: DISTRIBUTED may have"
    input_type = reader.get("ReaderConfig", {}).get("InputType")
    if input_type is not None and input_type not in INPUT_TYPES:
        yield f"has InputType: {input_type}: expected one of {', '.join(INPUT_TYPES)}"


def _writes_its_results_away(state: State) -> Iterator[str]:
    if not _is_distributed(state):
        return
    if "ResultWriter" not in state:
        yield "has no ResultWriter: the results of many items would not fit into the 256 KiB of a state"
    elif any(key.endswith(".$") for key in state["ResultWriter"].get("Parameters", {})):
        yield "has a ResultWriter with computed Parameters: expected a literal bucket and prefix"


def _is_caught(state: State) -> Iterator[str]:
    if not state.get("Catch"):
        yield "has no Catch: a failure inside would end the run without a report"


RULES: Mapping[str, tuple[Callable[[State], Iterator[str]], ...]] = {
    "Task": (_has_a_timeout, _is_retried),
    "Map": (
        _has_a_good_label,
        _tolerates_floats,
        _reads_items_as_it_can,
        _writes_its_results_away,
        _is_caught,
    ),
}
