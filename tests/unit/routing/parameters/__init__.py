"""Tests of `streams.routing.parameters`."""
