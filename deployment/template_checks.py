"""What is wrong with the template, said of the file and line that a person would edit.

`checks` calls it. The template is judged as CloudFormation will see it, after SAM's transformation: only
then does cfn-lint look into the functions' policies, where a mistyped action or resource would otherwise
show at the first copy. The transformation is AWS's own, run here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployment.errors import Problem
from deployment.front_matter import FunctionSpec

# Asked for by SAM for every role of a function; its ARN differs between partitions, which no check looks at.
_MANAGED_POLICIES = {
    "AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}


def problems(built: Mapping[str, Any], specs: Sequence[FunctionSpec], region: str) -> Iterator[Problem]:
    """Yield what SAM refuses in a template, else what cfn-lint finds in what SAM makes of it."""
    plain, refusals = _transformed(built, region)
    for path, message in refusals or _linted(plain, region):
        yield _located(path, message, specs)


def _transformed(built: Mapping[str, Any], region: str) -> tuple[dict[str, Any], list[tuple[list[str], str]]]:
    """Return the template in plain CloudFormation, and (path, message) of what SAM refuses."""
    import boto3
    from samtranslator.metrics.metrics import Metrics
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    metrics = Metrics()
    session = boto3.Session(region_name=region)
    translator = Translator(_MANAGED_POLICIES, Parser(), boto_session=session, metrics=metrics)
    try:
        return translator.translate(json.loads(json.dumps(built)), {}), []
    except InvalidDocumentException as error:
        return {}, [(_resource(cause), f"{cause.message} (SAM)") for cause in error.causes]
    finally:
        metrics.publish()  # to nobody; it would warn otherwise


def _resource(cause: Any) -> list[str]:
    logical_id = getattr(cause, "_logical_id", None)
    return ["Resources", logical_id] if logical_id else []


def _linted(plain: Mapping[str, Any], region: str) -> Iterator[tuple[list[str], str]]:
    """Yield (path in the template, message) for all that cfn-lint finds."""
    import cfnlint.api  # half a second, which only a check should take
    from cfnlint.config import ManualArgs

    for match in cfnlint.api.lint(json.dumps(plain), config=ManualArgs(regions=[region])):
        path = [str(part) for part in match.path or ()]
        place = f"{'/'.join(path[3:])}: " if len(path) > 3 else ""
        yield path, f"{place}{match.message} (cfn-lint {match.rule.id})"


def _located(path: Sequence[str], message: str, specs: Sequence[FunctionSpec]) -> Problem:
    """Where a person would look: the property in the front matter, else the place in the template."""
    for spec in specs:
        if path[1:2] in ([spec.logical_id], [f"{spec.logical_id}Role"]):
            return Problem(spec.source, _line_of(path[3:4], spec), message)
    return Problem("/".join(["the template", *path[:3]]), None, message)


def _line_of(names: Sequence[str], spec: FunctionSpec) -> int | None:
    """The line of a property that SAM may have given a longer name: Tracing becomes TracingConfig."""
    matching = (line for name in names for own, line in spec.lines.items() if name.startswith(own))
    return next(matching, None)
