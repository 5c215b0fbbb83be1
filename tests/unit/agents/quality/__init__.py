"""Tests of `streams.agents.quality`."""
