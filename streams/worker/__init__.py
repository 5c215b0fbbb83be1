"""The worker process: startup, container, shutdown."""
