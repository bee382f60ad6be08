STACK_NAME = "1st"
SOURCE_BUCKET = ["my-bucket"]
DESTINATION_BUCKETS = ["my-other-bucket"]
MAX_DELETE = "ten"
