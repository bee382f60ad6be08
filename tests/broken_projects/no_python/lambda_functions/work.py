# ---
# MemorySize: 512   # MB
# Timeout: 60       # seconds
# ---


def handler(event, context)
    return event
