"""Tests of `streams.offset_metadata`."""
