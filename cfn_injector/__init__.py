"""Deploy one Lambda artifact to every stage, each with its own .env."""

__version__ = "0.2.0"
