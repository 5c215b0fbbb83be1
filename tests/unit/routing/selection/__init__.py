"""Tests of `streams.routing.selection`."""
