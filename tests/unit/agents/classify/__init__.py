"""Tests of `streams.agents.classify`."""
