"""Confidence in an answer: hard checks, scores, second opinions."""
