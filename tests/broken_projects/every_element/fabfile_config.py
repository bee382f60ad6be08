SOURCE_BUCKETS = [
    "s3://photos",
    "documents",
    "Not a bucket",
]
ALLOWED_ACCOUNTS = [123456789012, "12345"]
TAGS = {
    "team": "data",
    "cost": 3,
}
