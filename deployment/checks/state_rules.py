"""What a single state must have, beyond the language: neither hang, nor fail for want of a retry, nor overflow.

`statelint` calls it. Each rule takes the fields of a state and yields where in them something is wrong, and a
sentence that goes on after "the state NAME".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

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


def findings(fields: Fields, calls_lambda: bool, lambda_timeout_seconds: int | None) -> Iterator[Finding]:
    """Yield what is wrong with a state; the timeout is that of the Lambda it calls, where it is known."""
    kind = fields.get("Type")
    for rule in RULES.get(kind, ()) if isinstance(kind, str) else ():
        yield from rule(fields)
    if calls_lambda:
        yield from _require_retry_of_lambda_errors(fields)
    if lambda_timeout_seconds is not None:
        yield from _require_longer_timeout_than_lambda(fields, lambda_timeout_seconds)
    yield from _require_catch_all_last(fields)


def is_distributed(fields: Fields) -> bool:
    """Whether a state is a Distributed Map."""
    return mapping(mapping(fields.get("ItemProcessor")).get("ProcessorConfig")).get("Mode") == "DISTRIBUTED"


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


def _require_valid_label(fields: Fields) -> Iterator[Finding]:
    label = fields.get("Label")
    if label is None and is_distributed(fields):
        yield (), "has no Label: AWS would make one up, and the names of its children could not be foreseen"
    elif label is not None and (not isinstance(label, str) or len(label) > MAX_LABEL_LENGTH):
        yield ("Label",), f"has the Label {label!r}: expected text of {MAX_LABEL_LENGTH} characters at most"
    elif label is not None and _NOT_IN_LABELS.search(label):
        yield ("Label",), f'has the Label {label!r}: expected no spaces and none of ?*<>{{}}[]:;,\\|^~$#%&`"'


def _require_float_tolerance(fields: Fields) -> Iterator[Finding]:
    """As a float, because emulators refuse a whole number where AWS takes both."""
    name = "ToleratedFailurePercentage"
    tolerance = fields.get(name)
    if tolerance is not None and (not isinstance(tolerance, float) or not 0 <= tolerance <= 100):
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


RULES: Mapping[str, tuple[Callable[[Fields], Iterator[Finding]], ...]] = {
    "Task": (_require_timeout, _require_retry),
    "Map": (
        _require_valid_label,
        _require_float_tolerance,
        _require_valid_item_reader,
        _require_result_writer,
        _require_catch,
    ),
}
