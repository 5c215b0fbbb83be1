"""Tests of `streams.agents.outcomes`."""
