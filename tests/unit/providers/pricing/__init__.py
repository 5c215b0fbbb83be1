"""Tests of `streams.providers.pricing`."""
