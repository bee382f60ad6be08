"""The items of a cost in words: for the page, and for what a terminal is told of a run."""

from __future__ import annotations

ITEMS = {
    "lists": "LIST requests",
    "reads": "requests that read",
    "transfer": "transfer between regions",
    "restore": "restores from archives",
    "earlyDeletion": "early deletion",
    "kms": "KMS",
    "lambda": "Lambda",
    "states": "state transitions",
}


def cost_item(name: str) -> str:
    """Return an item of a cost in words: `writes into GLACIER`."""
    _, is_of_class, storage_class = name.partition(".")
    return f"writes into {storage_class}" if is_of_class else ITEMS.get(name, name)
