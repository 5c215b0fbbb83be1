"""Checks and figures of the source tree's structure. Run as `python -m tests.lint.structure`."""
