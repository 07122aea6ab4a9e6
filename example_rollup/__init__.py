"""The roll-up: takes a stream of finished games, keeps one record with the best scores of the past hour."""
