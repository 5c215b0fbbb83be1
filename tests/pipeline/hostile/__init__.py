"""Hostile input on real processes."""
