# ---
# Timeout: ten
# MemorySize: "512"
# Architectures: arm64
# Environment:
#   Variables:
#     LIMIT: [5]
# Tags: [ a, b ]
# ---


def handler(event, context):
    return event
