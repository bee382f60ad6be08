# ---
# Timeout: 3
# Timeout: 4
# Description: !Subb x
# Tags: {1: x, a: b, a: c}
# Policies:
#   - Effect: Allow
#     Action: s3:GetObject
#     Resource: ${SourceObjects}
# ---
def handler(event, context): ...
