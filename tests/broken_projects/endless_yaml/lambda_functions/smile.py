# ---
# Description: 😀
# Timeout: 1000
# ---
def handler(event, context): ...
