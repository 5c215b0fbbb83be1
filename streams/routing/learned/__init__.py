"""What was learnt from labelled requests: numbers of a text, hashed n-grams, trees, artifacts.

Everything here evaluates; `streams.offline.training` fits. Nothing is executed out of an artifact:
it holds arrays and names only.
"""
