# ---
# Timeout: 60
# Policies:
#   - Effect: Allow
#     Action: s3:GetObject
#     Resource: ${SourceObject}
#   - Effect: Allow
#     Action: s3:PutObject
#     Resource: ${WorkBucket.Arn}/runs/*
# ---


def handler(event, context):
    return event
