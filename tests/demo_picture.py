"""The picture of a real `fab demo` in the README: `python -m tests.demo_picture` runs one and draws docs/images/demo.svg.

Not a test: `end_to_end/test_demo.py` holds the picture to what the demo says today.
"""

from __future__ import annotations

import html
import io
import re
import sys
from pathlib import Path

import rich.console
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.text import Text

from deployment.console import Console
from deployment.emulator import demo

PROJECT = Path(__file__).resolve().parent.parent
PICTURE = PROJECT / "docs" / "images" / "demo.svg"
PROMPT = "$ fab demo"
WIDTH = 80


def drawn(output: str) -> str:
    """Return the SVG of a terminal in which `fab demo` has said this; it fetches no font and nothing else."""
    terminal = rich.console.Console(record=True, width=WIDTH, file=io.StringIO())
    terminal.print(Text(f"{PROMPT}\n{_told(output)}"))
    frame = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return terminal.export_svg(title="SyncBuckets", code_format=frame)


def words(output: str) -> list[str]:
    """Return what a demo has said as words, every number as 0: times, costs and requests differ from run to run."""
    return re.sub(r"\d[\d.]*", "0", _told(output)).split()


def pictured(svg: str) -> str:
    """Return the text of a picture, a line for each line of the terminal, without the prompt."""
    lines = re.findall(r"<text [^>]*clip-path[^>]*>(.*?)</text>", svg)
    text = "\n".join(html.unescape(line).replace("\xa0", " ") for line in lines)
    return text.partition(PROMPT)[2]


def _told(output: str) -> str:
    """Leave out what comes next: the picture is of what has happened."""
    return output.partition(demo.NEXT)[0].strip("\n")


if __name__ == "__main__":
    said = io.StringIO()
    demo.run(PROJECT, None, Console(said, sys.stderr, io.StringIO(), environ={}))
    PICTURE.write_text(drawn(said.getvalue()), encoding="utf-8")
