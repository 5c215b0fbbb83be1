"""Processes of the local pipeline: start, supervision, state, ports."""
