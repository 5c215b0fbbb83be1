"""Suites and clients of others against a local gateway (`make compat`)."""
