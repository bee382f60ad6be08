"""What the Lambdas have in common, put whole into every zip.

Importing boto3 takes most of a cold start, so it comes first, with Python set up for it. From deep inside other imports it
takes 20 ms more: calls that go to and fro over the edge of a piece of Python's stack are slow.
"""

import gc

# As it is set up, Python looks for garbage in cycles after every 700 new objects, which is a third of the time that clients
# are made in and a fifth of a comparison's. There is next to none.
gc.set_threshold(50_000, 20, 100)

import boto3 as _boto3  # noqa: E402, F401

gc.freeze()
