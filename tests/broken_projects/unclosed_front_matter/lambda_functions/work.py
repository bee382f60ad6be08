# ---
# MemorySize: 512   # MB
# Timeout: 60       # seconds
"""The block above has no second delimiter."""


def handler(event, context):
    return event
