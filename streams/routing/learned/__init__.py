"""Models learned from labelled requests: text features, hashed n-grams, trees, artifacts.

This package only evaluates; `streams.offline.training` fits. An artifact holds arrays and names
only; nothing in it is executed.
"""
