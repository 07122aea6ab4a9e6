"""The hit counter: one artifact and two stages, each of which counts in its own table."""
