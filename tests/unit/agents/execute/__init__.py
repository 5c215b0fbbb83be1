"""Tests of `streams.agents.execute`."""
