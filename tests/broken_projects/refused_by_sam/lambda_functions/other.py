# ---
# MemorySize: 64
# ---


def handler(event, context):
    return event
