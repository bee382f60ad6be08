# ---
# Timeout: 60
# Events:
#   Nightly:
#     Type: Shedule
# ---


def handler(event, context):
    return event
