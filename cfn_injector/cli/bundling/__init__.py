"""Makes a function's zip from its source: which files are packed, what it requires, and what installs that."""
