"""Replay and training on real processes."""
