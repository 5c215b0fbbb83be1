"""Tests of `streams.bad_input`."""
