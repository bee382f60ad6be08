"""`python -m benchmarks.scale [--write-docs]`: print the tables; put them into docs/scale.md and docs/performance.md too."""

from __future__ import annotations

import argparse

from benchmarks.documents import put
from benchmarks.scale import tables
from benchmarks.scale.runs import PROJECT

BEGIN = "<!-- scale: made by `python -m benchmarks.scale --write-docs`, do not edit -->"
END = "<!-- end of scale -->"


def main() -> None:
    """Model, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/")
    writes, text = parser.parse_args().write_docs, tables.everything()
    print(text)
    if writes:
        put(PROJECT / "docs" / "scale.md", text, BEGIN, END)
        put(PROJECT / "docs" / "performance.md", tables.steps(), BEGIN, END)


if __name__ == "__main__":
    main()
