"""Tests of `streams.agents.calls`."""
