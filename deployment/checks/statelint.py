"""What makes a state machine wrong, or right but dangerous; every finding with the line of the state or key.

`check` calls it for every file. statelint knows the language; `transitions` looks at where states lead, `query_language` and
`values` at what is written in them, `state_rules` at what each must have, `definitions` at Lambdas and placeholders. They all
look at the same machine, whatever the others have found, so that no mistake hides another.

Where statelint contradicts AWS's documentation, AWS counts: what it says about it is left out, and one of ours judges instead.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployment.build import definitions
from deployment.checks import query_language, rights, state_rules, transitions, values
from deployment.errors import Problem
from deployment.project.states_language import MachineSpec, State, lambda_of, states
from deployment.project.yaml_reading import Lines, Place, line_of

SHIPPED = "sync_buckets_state_machine.yaml"
"""The file of SyncBuckets' own machine. Of it our opinions are mistakes; how others write theirs is their decision."""

# statelint knows the language's specification; these are AWS's extensions of it.
STATELINT_EXEMPTIONS = tuple(
    re.compile(pattern)
    for pattern in (
        # https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
        r'Field "Label" not allowed in .*',
        r'Field "(InputType|CSVHeaderLocation|CSVHeaders|CSVDelimiter|ItemsPointer|ManifestType|Transformation)" '
        r"not allowed in .*\.ReaderConfig",
        r'Field "WriterConfig" not allowed in .*\.ResultWriter',
        # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html: WriterConfig may stand alone
        r'.*\.ResultWriter does not have required field "Resource"',
        # https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html: Iterator goes on to be taken
        r'Field "ProcessorConfig" not allowed in .*\.Iterator',
        # https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html: in both query languages
        r'Field "Assign" not allowed in .*',
        # https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html: an expression has no need of spaces
        r'.*\.(Arguments|Credentials|Items) is "\{%.*%\}" but should be (an Object|a JSONata)',
        # https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html: Items may be an object,
        # https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html: Arguments may be a list
        r".*\.(Items is \{|Arguments is \[).* but should be a JSONata",
        # https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html: the last rule may be `true`
        r".*\.Condition is (true|false) but should be a String",
    )
)

# What the others say in its place: `transitions` and `definitions` with the name that was probably meant, `values` and
# `query_language` by what AWS takes: whole numbers for BackoffRate, fractions for ToleratedFailurePercentage, paths with
# filters, variables, `$$.` and keys such as `detail-type`, JSONata for every value.
REPORTED_ELSEWHERE = tuple(
    re.compile(pattern)
    for pattern in (
        r'No state found named ".*", referenced at .*',
        r"StartAt value .* not found in States field at .*",
        r"No transition found to state .*",
        r"No terminal state found in machine at .*",
        r".*\.Resource is .* but should be A URI",
        r".* but should be (a Float|numeric|an Integer|a Reference Path.*|a JSONPath|an RFC3339 timestamp)",
        r".* is \S+ but allowed (floor|ceiling) is \S+",
        r'Field ".*" of .* is not a JSONPath or intrinsic function expression',
        r".*: States\.ALL can only appear in the last element, and by itself\.",
    )
)

# What the text of a finding adds to the place that it names.
_NAMED = re.compile(r'(?:Field|State) "(.*)"(?: not allowed in |, defined at )')

Finding = tuple[Place, str]


def problems(
    machine: MachineSpec, functions: Mapping[str, int | None], values_of: Mapping[str, Any]
) -> list[Problem]:
    """Return what is wrong with a machine, line by line.

    `functions` has the timeout of each Lambda by its file name, in seconds, None where it is not known; `values_of` what the
    placeholders stand for.
    """
    found = list(_findings(machine, functions, values_of))
    if machine.path.name == SHIPPED:
        found += _opinions(machine, functions, values_of)
    return _located(machine, found)


def notes(
    machine: MachineSpec,
    functions: Mapping[str, int | None],
    values_of: Mapping[str, Any],
    machines: Sequence[MachineSpec],
) -> list[Problem]:
    """Return what is right and worth knowing; `machines` are all that share its role."""
    rendered = definitions.render_with_placeholders(machine, values_of)
    found = list(rights.findings(machine, rendered, machines))
    if machine.path.name != SHIPPED:
        found += _opinions(machine, functions, values_of)
    return _located(machine, found)


def _located(machine: MachineSpec, found: Sequence[Finding]) -> list[Problem]:
    if not found:
        return []
    ours = {place for place, message in found if not message.endswith(" (statelint)")}
    located = []
    for place, message in found:
        here = _place(place, message, machine.places)
        if place or here not in ours or not message.startswith("Field "):  # else said already, and better
            located.append(Problem(machine.where, line_of(here, machine.places), message))
    return sorted(dict.fromkeys(located), key=lambda problem: problem.line or 0)


def _findings(
    machine: MachineSpec, functions: Mapping[str, int | None], values_of: Mapping[str, Any]
) -> Iterator[Finding]:
    rendered = definitions.render_with_placeholders(machine, values_of)
    yield from definitions.mistakes(machine, functions, values_of)
    yield from transitions.findings(machine.definition)
    yield from values.whole_machine(rendered)
    yield from query_language.downgrades(rendered)
    yield from _broken_rules(rendered)
    for message in _statelint(rendered):
        yield (), f"{message} (statelint)"


def _broken_rules(rendered: Mapping[str, Any]) -> Iterator[Finding]:
    labels: defaultdict[str, list[State]] = defaultdict(list)
    languages = query_language.languages(rendered)
    for state in states(rendered):
        language = languages[state.place]
        for place, message in (
            *state_rules.findings(state.fields),
            *query_language.findings(state.fields, language),
            *values.findings(state, language),
        ):
            yield (*state.place, *place), f"the state {state.name} {message}"
        if isinstance(state.fields.get("Label"), str):
            labels[state.fields["Label"]].append(state)
    yield from _repeated_labels(labels)


def _opinions(
    machine: MachineSpec, functions: Mapping[str, int | None], values_of: Mapping[str, Any]
) -> Iterator[Finding]:
    has_timeout = "TimeoutSeconds" in machine.definition
    for state in states(definitions.render_with_placeholders(machine, values_of)):
        called = lambda_of(_fields_at(machine.definition, state.place))
        timeout = functions.get(called or "")
        for place, message in state_rules.opinions(state.fields, called is not None, timeout, has_timeout):
            yield (*state.place, *place), f"the state {state.name} {message}"


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
