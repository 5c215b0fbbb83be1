"""Tests of `streams.offline`."""
