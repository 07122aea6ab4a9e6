"""Streambot's own example: writes the records of a Kinesis stream verbatim to S3."""
