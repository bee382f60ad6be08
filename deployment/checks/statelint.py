"""What makes a state machine wrong, or right but dangerous; every finding with the line of the state or key.

`check` calls it for every file. statelint knows the language; `transitions` looks at where states lead,
`state_rules` at what each must have, `definitions` at Lambdas and placeholders. They all look at the same machine,
whatever the others have found, so that no mistake hides another.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from deployment.build import definitions
from deployment.checks import state_rules, transitions
from deployment.errors import Problem
from deployment.project.states_language import MachineSpec, State, lambda_of, states
from deployment.project.yaml_reading import Lines, Place, line_of, places_in

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

# What `transitions` and `definitions` say in its place, with the name that was probably meant.
REPORTED_ELSEWHERE = tuple(
    re.compile(pattern)
    for pattern in (
        r'No state found named ".*", referenced at .*',
        r"StartAt value .* not found in States field at .*",
        r"No transition found to state .*",
        r"No terminal state found in machine at .*",
        r".*\.Resource is .* but should be A URI",
    )
)

# What the text of a finding adds to the place that it names.
_NAMED = re.compile(r'(?:Field|State) "(.*)"(?: not allowed in |, defined at )')

Finding = tuple[Place, str]


def problems(
    machine: MachineSpec, functions: Mapping[str, int | None], values: Mapping[str, Any]
) -> list[Problem]:
    """Return what is wrong with a machine, line by line.

    `functions` has the timeout of each Lambda by its file name, in seconds, None where it is not known; `values` those of the
    placeholders.
    """
    found = list(_findings(machine, functions, values))
    if not found:
        return []
    lines = places_in(machine.path)  # read only now, as most machines are right
    located = [
        Problem(machine.where, line_of(_place(place, message, lines), lines), message)
        for place, message in found
    ]
    return sorted(dict.fromkeys(located), key=lambda problem: problem.line or 0)


def _findings(
    machine: MachineSpec, functions: Mapping[str, int | None], values: Mapping[str, Any]
) -> Iterator[Finding]:
    yield from definitions.mistakes(machine, functions, values)
    yield from transitions.findings(machine.definition)
    yield from _broken_rules(machine, functions, values)
    for message in _statelint(definitions.render_with_placeholders(machine, values)):
        yield (), f"{message} (statelint)"


def _broken_rules(
    machine: MachineSpec, functions: Mapping[str, int | None], values: Mapping[str, Any]
) -> Iterator[Finding]:
    labels: defaultdict[str, list[State]] = defaultdict(list)
    for state in states(definitions.render_with_placeholders(machine, values)):
        called = lambda_of(_fields_at(machine.definition, state.place))
        for place, message in state_rules.findings(
            state.fields, called is not None, functions.get(called or "")
        ):
            yield (*state.place, *place), f"the state {state.name} {message}"
        if isinstance(state.fields.get("Label"), str):
            labels[state.fields["Label"]].append(state)
    yield from _repeated_labels(labels)


def _repeated_labels(labels: Mapping[str, list[State]]) -> Iterator[Finding]:
    for label, (first, *others) in labels.items():
        for state in others:
            message = f"has the Label {label!r}, which {first.name} has already: each Map needs its own"
            yield (*state.place, "Label"), f"the state {state.name} {message}"


def _fields_at(value: Any, place: Place) -> Any:
    for part in place:
        value = value[part]
    return value if isinstance(value, Mapping) else {}


def _statelint(rendered: Mapping[str, Any]) -> Iterator[str]:
    from statelint.linter import Linter  # what a deployment has no use for

    try:
        messages = Linter.validate(dict(rendered))
    except Exception as error:  # it stumbles over lists where names belong, of which the others tell
        messages = [f"statelint cannot read it any further, {type(error).__name__}: {error}"]
    for message in messages:
        if not any(pattern.fullmatch(message) for pattern in (*STATELINT_EXEMPTIONS, *REPORTED_ELSEWHERE)):
            yield message


def _place(place: Place, message: str, lines: Lines) -> Place:
    """The place of a finding; statelint writes its own into the text, as State Machine.States.Each.Retry[0]."""
    if place or not message.endswith(" (statelint)"):
        return place
    written = {"State Machine" + _statelint_path(known): known for known in lines}
    named = [text for text in written if re.search(rf"{re.escape(text)}(?=[\s,.\[]|$)", message)]
    here = written[max(named, key=len)] if named else ()
    added = _NAMED.match(message)
    return (*here, added[1]) if added else here


def _statelint_path(place: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
