"""How good decisions are, measured: pure functions of recorded scores, without I/O.

Scores of answers are 0..1; a preference is any number that grows with the wish for the strong
model. Quality is the mean score. Nothing here knows the router or its features.
"""
