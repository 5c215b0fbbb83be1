"""Clients of others, one script each; they run in .venv-compat or node."""
