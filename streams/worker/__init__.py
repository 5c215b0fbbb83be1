"""The worker process: its start, its parts, its shutdown."""
