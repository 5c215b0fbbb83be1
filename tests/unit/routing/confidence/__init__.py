"""Tests of `streams.routing.confidence`."""
