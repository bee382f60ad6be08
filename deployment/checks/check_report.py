"""What `fab check` says: every finding on a line of its own, as text or as one JSON document."""

from __future__ import annotations

import json
from dataclasses import asdict

from deployment.checks.check import Findings
from deployment.console import Console
from deployment.errors import ConfigurationError


def show(console: Console, findings: Findings, as_json: bool = False) -> None:
    """Write the findings to stdout; raise ConfigurationError with their number when there are problems."""
    console.result(document(findings) if as_json else text(findings))
    if findings.problems:
        raise ConfigurationError(f"{_counted(len(findings.problems), 'problem')} found.")


def text(findings: Findings) -> str:
    """Return the report that a person reads: the problems, or that there are none, what was checked, and the notes."""
    lines = [str(problem) for problem in findings.problems] or ["No problems found."]
    functions = _counted(findings.functions, "Lambda function")
    lines.append(f"Checked: {functions}, {_counted(findings.machines, 'state machine')}, template, policies.")
    return "\n".join([*lines, *(f"Note: {note}" for note in findings.notes)])


def document(findings: Findings) -> str:
    """Return the same for a program; a problem is `{"path", "line", "message"}`, its line may be null."""
    whole = {
        "problems": [asdict(problem) for problem in findings.problems],
        "notes": list(findings.notes),
        "checked": {"functions": findings.functions, "stateMachines": findings.machines},
    }
    return json.dumps(whole, indent=2)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
