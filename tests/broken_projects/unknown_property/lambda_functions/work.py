# ---
# Handler: work.main
# MemorySzie: 512   # MB
# TimeOut: 60       # seconds
# ---


def handler(event, context):
    return event
