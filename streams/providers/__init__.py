"""Ports to the model providers, and their adapters."""
