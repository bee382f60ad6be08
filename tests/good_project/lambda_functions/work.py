# ---
# MemorySize: 512   # MB
# Timeout: 60       # seconds
# Policies:
#   - Effect: Allow
#     Action: s3:GetObject
#     Resource: ${SourceObjects}
# ---
"""The only Lambda of this project."""

from lambda_functions.shared import answers


def handler(event, context):
    return answers.same(event)
