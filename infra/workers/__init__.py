"""Statuses of running workers, and whether they can serve a registry version."""
