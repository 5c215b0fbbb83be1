"""Tests of `streams.providers.refusals`."""
