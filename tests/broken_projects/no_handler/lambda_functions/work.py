# ---
# MemorySize: 512   # MB
# Timeout: 60       # seconds
# ---


def handle(event, context):
    return event
