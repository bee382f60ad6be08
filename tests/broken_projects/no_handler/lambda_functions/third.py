# ---
# MemorySize: 512   # MB
# Timeout: 60       # seconds
# ---


async def handler(event, context):
    return event
