"""What an injection costs, beside the usual ways to change a file in a zip that lies in S3."""
