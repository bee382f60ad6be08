"""`python -m benchmarks.scale [--write-docs]`: print the tables; put them into docs/scale.md too."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.scale.course import PROJECT
from benchmarks.scale.runs import Runs
from benchmarks.scale.tables import everything

BEGIN = "<!-- scale: made by `python -m benchmarks.scale --write-docs`, do not edit -->"
END = "<!-- end of scale -->"


def main() -> None:
    """Model, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/scale.md")
    arguments = parser.parse_args()
    text = everything(Runs())
    print(text)
    if arguments.write_docs:
        put(PROJECT / "docs" / "scale.md", text)


def put(page: Path, text: str) -> None:
    """Replace what stands between the markers of a page; raise ValueError where they are not."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} needs the lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
