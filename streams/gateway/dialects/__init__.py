"""Requests, answers, streams and errors in the vendors' formats. Pure."""
