# ---
# Timeout: ten      # seconds
# MemorySize: 64    # MB
# ---


def handler(event, context)
    return event
