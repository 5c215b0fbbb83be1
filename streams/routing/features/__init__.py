"""What a request shows before any model reads it."""
