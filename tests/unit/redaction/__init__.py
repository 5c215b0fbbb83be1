"""Tests of `streams.redaction`."""
