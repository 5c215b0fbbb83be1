"""Tests of `core.kafka`."""
