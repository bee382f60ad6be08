"""A model of syncs of any size, for what nobody here can measure: `python -m benchmarks.scale` prints docs/scale.md's tables."""
