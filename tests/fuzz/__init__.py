"""Inputs that nobody would send on purpose, by the million: none ends a worker."""
