"""What to train: a network's shape and how it is trained, as frozen settings."""
