"""Puts generated text between two markers of a document, and touches nothing else of it."""

from __future__ import annotations

from pathlib import Path

BEGIN = "<!-- benchmarks: made by `python -m benchmarks`, do not edit -->"
END = "<!-- end of benchmarks -->"


def put(path: Path, text: str) -> None:
    """Replace what stands between the markers; raise ValueError where they are not, each once and in this order."""
    document = path.read_text("utf-8")
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise ValueError(f"{path.name} needs the lines {BEGIN} and {END}, each once, in this order")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")
