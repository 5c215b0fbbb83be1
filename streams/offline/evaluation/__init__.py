"""Evaluation of decisions: pure functions of recorded scores, without I/O.

Scores of answers are 0..1. A preference is any number that increases with the preference for the
strong model. Quality is the mean score. The package is independent of the router and its features.
"""
