# ---
# MemorySize: 64
# Timeout: 0
# EphemeralStorage:
#   Size: 100
# Tracing: Ful
# ---


def handler(event, context):
    return event
