"""What a single state must be, beyond the language; and what it should have: neither hang, nor fail for want of a retry.

`statelint` calls it. Each rule takes the fields of a state and yields where in them something is wrong, and a
sentence that goes on after "the state NAME". `findings` are mistakes, AWS would refuse them. `opinions` are this project's
own: of the machine that it ships they are mistakes, of any other one they are notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deployment.checks.integrations import READERS, WRITERS, integration_of, resource_mistake
from deployment.project.states_language import items, mapping
from deployment.project.yaml_reading import Place

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
MAX_LABEL_LENGTH = 40
_NOT_IN_LABELS = re.compile(r'[\s?*<>{}\[\]:;,\\|^~$#%&`"\x00-\x1f\x7f-\x9f]')

# https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
INPUT_TYPES = ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET")

# The errors of Lambda itself, which say nothing about the function: it may never have begun.
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
LAMBDA_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
)
_ANY_TASK_ERROR = frozenset({"States.ALL", "States.TaskFailed"})

Fields = Mapping[str, Any]
Finding = tuple[Place, str]


def findings(fields: Fields) -> Iterator[Finding]:
    """Yield what AWS would refuse in a state."""
    if fields.get("Type") == "Map":
        yield from _require_valid_label(fields)
        yield from _require_valid_item_reader(fields)
        yield from _require_valid_result_writer(fields)
        yield from _require_valid_processor_config(fields)
    if fields.get("Type") == "Task":
        mistake = resource_mistake(fields.get("Resource"))
        if mistake:
            yield ("Resource",), mistake
        elif not isinstance(fields.get("Resource"), str):
            yield (
                ("Resource",),
                "has no Resource: expected the Lambda, activity or service that it calls, as text",
            )
    yield from _require_catch_all_last(fields)


def opinions(
    fields: Fields, calls_lambda: bool, lambda_timeout_seconds: int | None, machine_has_timeout: bool
) -> Iterator[Finding]:
    """Yield what is dangerous in a state that AWS takes.

    `lambda_timeout_seconds` is that of the Lambda it calls, where it is known; nothing waits for ever in a machine with a
    timeout of its own.
    """
    if fields.get("Type") == "Task":
        yield from () if machine_has_timeout else _require_timeout(fields)
        yield from _require_retry(fields)
    if fields.get("Type") == "Map":
        for rule in (_require_label, _require_float_tolerance, _require_result_writer, _require_catch):
            yield from rule(fields)
    if calls_lambda:
        yield from _require_retry_of_lambda_errors(fields)
    if lambda_timeout_seconds is not None:
        yield from _require_longer_timeout_than_lambda(fields, lambda_timeout_seconds)


def is_distributed(fields: Fields) -> bool:
    """Whether a state is a Distributed Map; Iterator is the old name of ItemProcessor."""
    processors = (mapping(fields.get(name)) for name in ("ItemProcessor", "Iterator"))
    return any(mapping(one.get("ProcessorConfig")).get("Mode") == "DISTRIBUTED" for one in processors)


def _require_timeout(fields: Fields) -> Iterator[Finding]:
    if not {"TimeoutSeconds", "TimeoutSecondsPath"} & fields.keys():
        yield (
            (),
            "has no TimeoutSeconds: a missing answer would be waited for up to a year",
        )


def _require_longer_timeout_than_lambda(fields: Fields, lambda_timeout_seconds: int) -> Iterator[Finding]:
    timeout_seconds = fields.get("TimeoutSeconds")
    if isinstance(timeout_seconds, int) and timeout_seconds <= lambda_timeout_seconds:
        message = (
            f"has TimeoutSeconds: {timeout_seconds}, but its Lambda may take {lambda_timeout_seconds}; "
            "expected more, or the task is given up while it is still at work"
        )
        yield ("TimeoutSeconds",), message


def _require_retry(fields: Fields) -> Iterator[Finding]:
    if not fields.get("Retry"):
        yield (), "has no Retry: one throttled call would fail the run"


def _require_retry_of_lambda_errors(fields: Fields) -> Iterator[Finding]:
    entries = [mapping(entry) for entry in items(fields.get("Retry"))]
    if not entries:
        return
    named = {
        error
        for entry in entries
        if entry.get("MaxAttempts") != 0
        for error in items(entry.get("ErrorEquals"))
        if isinstance(error, str)
    }
    missing = [error for error in LAMBDA_ERRORS if error not in named]
    if missing and not named & _ANY_TASK_ERROR:
        yield ("Retry",), f"does not retry {', '.join(missing)}: transient faults of Lambda itself"


def _require_catch_all_last(fields: Fields) -> Iterator[Finding]:
    """What https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html asks for."""
    for name in ("Retry", "Catch"):
        listed = items(fields.get(name))
        for position, entry in enumerate(listed):
            errors = items(mapping(entry).get("ErrorEquals"))
            if "States.ALL" in errors and (len(errors) > 1 or position + 1 < len(listed)):
                where = f"entry {position + 1} of {name}"
                yield (
                    (name, position),
                    f"has States.ALL in {where}: it must stand alone, in the last entry",
                )


def _require_label(fields: Fields) -> Iterator[Finding]:
    if fields.get("Label") is None and is_distributed(fields):
        yield (), "has no Label: AWS would make one up, and the names of its children could not be foreseen"


def _require_valid_label(fields: Fields) -> Iterator[Finding]:
    label = fields.get("Label")
    if label is not None and (not isinstance(label, str) or len(label) > MAX_LABEL_LENGTH):
        yield ("Label",), f"has the Label {label!r}: expected text of {MAX_LABEL_LENGTH} characters at most"
    elif label is not None and _NOT_IN_LABELS.search(label):
        yield ("Label",), f'has the Label {label!r}: expected no spaces and none of ?*<>{{}}[]:;,\\|^~$#%&`"'


def _require_float_tolerance(fields: Fields) -> Iterator[Finding]:
    """As a float, because emulators refuse a whole number where AWS takes both."""
    name = "ToleratedFailurePercentage"
    tolerance = fields.get(name)
    if isinstance(tolerance, int) and 0 <= tolerance <= 100:
        yield (name,), f"has {name}: {tolerance!r}: expected 0.0 to 100.0, with a decimal point"


def _require_valid_item_reader(fields: Fields) -> Iterator[Finding]:
    if "ItemReader" not in fields:
        return
    if not is_distributed(fields):
        yield ("ItemReader",), "has an ItemReader, which only a Map with Mode: DISTRIBUTED may have"
    config = mapping(mapping(fields["ItemReader"]).get("ReaderConfig"))
    input_type = config.get("InputType")
    if input_type is not None and input_type not in INPUT_TYPES:
        place = ("ItemReader", "ReaderConfig", "InputType")
        yield place, f"has InputType: {input_type}: expected one of {', '.join(INPUT_TYPES)}"
    yield from _require_resource(fields, "ItemReader", READERS)


def _require_valid_result_writer(fields: Fields) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html"""
    if "ResultWriter" in fields:
        yield from _require_resource(fields, "ResultWriter", WRITERS)
        if not mapping(fields["ResultWriter"]).keys() & {"Resource", "WriterConfig"}:
            yield (
                ("ResultWriter",),
                "has a ResultWriter without Resource and WriterConfig: expected one, or both",
            )


def _require_valid_processor_config(fields: Fields) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html"""
    for name in ("ItemProcessor", "Iterator"):
        config = mapping(mapping(fields.get(name)).get("ProcessorConfig"))
        place = (name, "ProcessorConfig")
        mode, kind = config.get("Mode", "INLINE"), config.get("ExecutionType")
        if mode not in ("INLINE", "DISTRIBUTED"):
            yield (*place, "Mode"), f"has Mode: {mode}: expected INLINE or DISTRIBUTED"
        elif mode == "DISTRIBUTED" and kind not in ("STANDARD", "EXPRESS"):
            yield place, f"has ExecutionType: {kind} in a Distributed Map: expected STANDARD or EXPRESS"


def _require_resource(fields: Fields, name: str, known: tuple[str, ...]) -> Iterator[Finding]:
    resource = mapping(fields[name]).get("Resource")
    found = integration_of(resource)
    if found and found.name + found.pattern not in known:
        expected = " or ".join(f"arn:aws:states:::{one}" for one in known)
        yield (name, "Resource"), f"has {resource} as the Resource of its {name}: expected {expected}"


def _require_result_writer(fields: Fields) -> Iterator[Finding]:
    if not is_distributed(fields):
        return
    if "ResultWriter" not in fields:
        yield (
            (),
            "has no ResultWriter: the results of many items would not fit into the 256 KiB of a state",
        )
    parameters = mapping(mapping(fields.get("ResultWriter")).get("Parameters"))
    if any(key.endswith(".$") for key in parameters):
        place = ("ResultWriter", "Parameters")
        yield place, "has a ResultWriter with computed Parameters: expected a literal bucket and prefix"


def _require_catch(fields: Fields) -> Iterator[Finding]:
    if not fields.get("Catch"):
        yield (), "has no Catch: a failure inside would end the run without a report"
