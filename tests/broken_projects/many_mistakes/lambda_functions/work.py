# ---
# MemorySzie: 512   # MB
# Timeout: 60       # seconds
# Policies:
#   - Effect: Allow
#     Action: s3:*
#     Resource: ${SourceObjects}
# ---
import requests


def handler(event, context):
    return event
