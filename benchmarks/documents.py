"""Puts generated text between two markers of a document, and touches nothing else of it."""

from __future__ import annotations

from pathlib import Path

BEGIN = "<!-- benchmarks: made by `python -m benchmarks`, do not edit -->"
END = "<!-- end of benchmarks -->"


def put(path: Path, text: str, begin_mark: str = BEGIN, end_mark: str = END) -> None:
    """Replace what stands between the markers; raise ValueError where they are not, each once and in this order."""
    document = path.read_text("utf-8")
    before, begin, rest = document.partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not begin or not end or begin_mark in after or end_mark in after:
        raise ValueError(f"{path.name} needs the lines {begin_mark} and {end_mark}, each once, in this order")
    path.write_text(f"{before}{begin_mark}\n\n{text}\n\n{end_mark}{after}", "utf-8")
