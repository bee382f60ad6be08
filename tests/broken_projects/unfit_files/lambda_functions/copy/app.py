# ---
# Timeout: 3
# ---
def handler(event, context): ...
