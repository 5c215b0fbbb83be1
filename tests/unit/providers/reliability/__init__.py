"""Tests of `streams.providers.reliability`."""
