"""Tests of `streams.routing.rules`."""
