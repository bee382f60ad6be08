# ---
# Timeout: 60
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - Effect: Allow
#         Action: kms:Decrypt
#         Resource: ${KmsKeys}
#       - Effect: Alow
#         Action: s3:GetObject
#         Resource: ${SourceObjects}
#       - Effect: Allow
#         Action: s3:GetObjct
#         Resource: ${SourceObjects}
#       - Effect: Allow
#         Action: s3:PutObject
#         Resource: !Sub ${WrokBucket.Arn}/runs/*
# ---


def handler(event, context):
    return event
