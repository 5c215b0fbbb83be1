"""Checks of the source that no ready linter makes; part of `make check`."""
