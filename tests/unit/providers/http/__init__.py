"""Tests of `streams.providers.http`."""
