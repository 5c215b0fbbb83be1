"""Tests of `streams.membership`."""
