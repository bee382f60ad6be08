"""Other people's clients as judges of our syncs, and ours of theirs: `python -m benchmarks.judges` prints docs/judges.md's tables."""
