"""The base of pipeline tests, chaos runs and the bench: real processes, load, reconciliation."""
