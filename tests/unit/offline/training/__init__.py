"""Learned models: fitting, artifacts, evaluation of both."""
