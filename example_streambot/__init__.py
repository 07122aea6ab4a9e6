"""Streambot's own example: the records of a Kinesis stream, written verbatim to S3."""
