"""The pictures of the documentation, which ``make pictures`` writes to docs/pictures/."""
