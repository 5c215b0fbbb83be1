"""Requests to the log, and their replies from it."""
