# ---
# Timeout: 60
# MemorySize: 512
# Timeout: 90
# ---


def handler(event, context):
    return event
