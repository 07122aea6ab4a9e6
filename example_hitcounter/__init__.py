"""The hit counter: one artifact, two stages, and every stage counts in a table of its own."""
