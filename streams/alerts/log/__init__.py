"""The log of alerts: writing and reading."""
