# ---
# Timeout: 60
# Policies:
#   - AmazonS3FullAccess
#   - Version: 2012-10-17
#     Statement:
#       - Effect: Allow
#         Action: "*"
#         Resource: "*"
#       - Effect: Allow
#         Action: [ s3:GetObject, s3:Put* ]
#         Resource: !Sub arn:${AWS::Partition}:s3:::*/*
#       - Effect: Allow
#         Action: s3:ListAllMyBuckets
#         Resource: "*"
#       - Effect: Allow
#         NotAction: s3:DeleteObject
#         Resource: ${DestinationObjects}
# ---


def handler(event, context):
    return event
