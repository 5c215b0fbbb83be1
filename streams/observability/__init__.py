"""Observability of a running worker: bounded metrics, readings at a scrape, loop lag."""
