"""The roll-up: a stream of finished games, and one record with the best scores of the past hour."""
