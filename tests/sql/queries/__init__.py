"""Tests of the named queries."""
