"""Estimated cost and quality of another policy, from the log."""
