"""Other people's clients judge our syncs, and we theirs: `python -m benchmarks.judges` prints the tables of docs/judges.md."""
