"""A model of syncs of a million and a billion objects: the product's own decisions, S3 and Step Functions by arithmetic.

`python -m benchmarks.scale` prints the tables of docs/scale.md. What decides (cutting, waves, indexes, tallies, the report, the
state machine's YAML) is the code that is deployed; what is modelled is time, and what a bucket of a billion keys would answer.
"""
