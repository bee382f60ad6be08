"""Whole runs on LocalStack, an S3 of other people's making that has part numbers and every type of checksum."""
