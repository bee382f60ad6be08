"""Puts generated text between two markers of a document, and touches nothing else of it."""

from __future__ import annotations

from pathlib import Path

BEGIN = "<!-- benchmarks: made by `python -m benchmarks`, do not edit -->"
END = "<!-- end of benchmarks -->"


def put(path: Path, text: str, begin_line: str = BEGIN, end_line: str = END) -> None:
    """Replace what stands between the markers; raise ValueError where they are not, each once and in this order."""
    document = path.read_text("utf-8")
    before, begin, rest = document.partition(begin_line)
    _, end, after = rest.partition(end_line)
    if not begin or not end or begin_line in after or end_line in after:
        raise ValueError(f"{path.name} needs the lines {begin_line} and {end_line}, each once, in this order")
    path.write_text(f"{before}{begin_line}\n\n{text}\n\n{end_line}{after}", "utf-8")
