"""Tests of what is shown of queries."""
