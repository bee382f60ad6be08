"""How `fab policies` shows what it found: sentences with the JSON to attach, or one JSON document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.aws.bucket_facts import BucketFacts
from deployment.aws.installation import Installation
from deployment.build.bucket_policies import BUCKET_POLICY, KEY_POLICY, OWNERSHIP, Document, Side, region_of
from deployment.console import Console

NOTHING = "Nothing has to be attached: inside one account the policies of the functions' roles are enough."
_CONSOLE = {
    BUCKET_POLICY: "S3, {}, Permissions, Bucket policy",
    KEY_POLICY: "KMS, Customer managed keys, {}, Key policy",
    OWNERSHIP: "S3, {}, Permissions, Object Ownership",
}
_PUT_BACK = "save the whole as policy.json, and put it back:"
_MERGE = {
    BUCKET_POLICY: f"Add these statements to it, in place of any with the same Sid, {_PUT_BACK}",
    KEY_POLICY: f"Add this statement to it (alone it would lock the key's owner out), {_PUT_BACK}",
    OWNERSHIP: "It takes the ACLs of the bucket out of force. Save the JSON as policy.json, and put it there:",
}
JSON_COLUMNS = 100
"""What fits into so many stands on one line, as people write policies."""


@dataclass(frozen=True)
class Answer:
    """Both sides (`source`, `destination`), what S3 told of them, what is to be attached, and sentences besides."""

    sides: Mapping[str, Side]
    facts: Mapping[str, BucketFacts]
    documents: Sequence[Document]
    notes: Sequence[str]


def write(installation: Installation, answer: Answer, console: Console) -> None:
    """Write sentences, folded on a terminal, and JSON and commands, which are not."""
    for name, side in answer.sides.items():
        console.say(_side_sentence(installation, name, side, answer.facts[name]))
    if not answer.documents:
        console.say(f"\n{NOTHING}")
    for number, found in enumerate(answer.documents, 1):
        console.say(f"\n{number}. {_title(found)}")
        for line in _how(found):
            (console.result if line.startswith("  ") else console.say)(line)
        console.result(_readable(found.body))
    if answer.notes:
        console.say("\nTo do and to know besides:")
    for note in answer.notes:
        console.say(f"- {note}")


def as_json(installation: Installation, answer: Answer) -> str:
    """Return one document; docs/other-accounts.md has its shape."""
    return json.dumps(
        {
            **installation.to_json(),
            **{name: _side_json(side, answer.facts[name]) for name, side in answer.sides.items()},
            "documents": [_document_json(found) for found in answer.documents],
            "notes": list(answer.notes),
        },
        indent=2,
    )


def _side_sentence(installation: Installation, name: str, side: Side, facts: BucketFacts) -> str:
    whose = "this account" if side.account == installation.account_id else "another account"
    under = f", under {side.prefix}" if side.prefix else ""
    key = f", KMS key {side.key}" if side.key else ""
    return (
        f"{name.capitalize()}: {side.bucket}{under}, of {whose}, {side.account} ({_certainty(facts)}){key}."
    )


def _certainty(facts: BucketFacts) -> str:
    if not facts.is_owners:
        return "as given; S3 does not say"
    return "S3 confirms it" if facts.owner_is_checked else "as given; this endpoint confirms every account"


def _title(found: Document) -> str:
    when = f", {found.when}" if found.when else ""
    return f"{found.kind.capitalize()} of {found.on}, in account {found.account}{when}"


def _how(found: Document) -> Iterator[str]:
    """Yield where the document goes in the console, and the commands; those begin with blanks."""
    read, put = _commands(found)
    yield f"In the console: {_CONSOLE[found.kind].format(_short(found.on))}. With the AWS CLI, see what is there:"
    yield f"  {read}"
    yield _MERGE[found.kind]
    yield f"  {put}"


def _readable(value: Any, indent: str = "", taken: int = 0) -> str:
    """Return JSON in which what is short stands on one line; `taken` are the columns before it."""
    line = json.dumps(value)
    if not isinstance(value, (dict, list)) or len(line) + taken <= JSON_COLUMNS:
        return line
    deeper = f"{indent}  "
    if isinstance(value, list):
        parts = [f"{deeper}{_readable(one, deeper, len(deeper))}" for one in value]
    else:
        names = {name: f"{deeper}{json.dumps(name)}: " for name in value}
        parts = [f"{names[name]}{_readable(one, deeper, len(names[name]))}" for name, one in value.items()]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return "\n".join([opening, ",\n".join(parts), f"{indent}{closing}"])


def _commands(found: Document) -> tuple[str, str]:
    """Return the commands that read what is there and that put the document there."""
    if found.kind == BUCKET_POLICY:
        bucket = f"--bucket {found.on}"
        return (
            f"aws s3api get-bucket-policy {bucket} --query Policy --output text",
            f"aws s3api put-bucket-policy {bucket} --policy file://policy.json",
        )
    if found.kind == KEY_POLICY:
        key = f"--region {region_of(found.on)} --key-id {_short(found.on)} --policy-name default"
        return (
            f"aws kms get-key-policy {key} --query Policy --output text",
            f"aws kms put-key-policy {key} --policy file://policy.json",
        )
    bucket = f"--bucket {found.on}"
    return (
        f"aws s3api get-bucket-ownership-controls {bucket}",
        f"aws s3api put-bucket-ownership-controls {bucket} --ownership-controls file://policy.json",
    )


def _short(on: str) -> str:
    """A bucket's name, or the id of a key."""
    return re.sub(r"^arn:.*:key/", "", on)


def _side_json(side: Side, facts: BucketFacts) -> dict[str, Any]:
    return {
        "bucket": side.bucket,
        "prefix": side.prefix,
        "account": side.account,
        "confirmed": facts.is_owners and facts.owner_is_checked,
        "kmsKey": side.key,
        "objectOwnership": side.ownership,
        "payer": facts.payer,
        "denied": list(facts.denied),
    }


def _document_json(found: Document) -> dict[str, Any]:
    read, put = _commands(found)
    return {
        "kind": found.kind,
        "account": found.account,
        "on": found.on,
        "when": found.when or None,
        "read": read,
        "attach": put,
        "document": found.body,
    }
