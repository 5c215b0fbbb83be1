"""Tests of `streams.routing.features`."""
