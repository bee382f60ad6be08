"""`python -m benchmarks.judges [--write-docs]`: hear everybody, print the tables; put them into docs/judges.md too."""

from __future__ import annotations

import argparse
import sys

from benchmarks import documents, tools
from benchmarks.children import PROJECT
from benchmarks.judges.hearing import hear
from benchmarks.judges.tables import text_of

BEGIN = "<!-- judges: made by `python -m benchmarks.judges --write-docs`, do not edit -->"
END = "<!-- end of judges -->"


def main() -> int:
    """Hear, print, write; return 1 where a plan of ours is not the right one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judges", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/judges.md")
    arguments = parser.parse_args()
    heard = hear(lambda line: print(line, file=sys.stderr))
    text = text_of(heard, tools.versions())
    print(text)
    if arguments.write_docs:
        documents.put(PROJECT / "docs" / "judges.md", text, BEGIN, END)
    return int(any(one.plan != one.right for one in heard.plans))


if __name__ == "__main__":
    sys.exit(main())
