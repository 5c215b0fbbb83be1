"""Malformed and unusual inputs, by the million: none ends a worker."""
