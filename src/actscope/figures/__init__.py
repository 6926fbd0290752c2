"""A table in, a matplotlib figure out; no reading, no computing."""
