"""Tests of `streams.agents.context`."""
