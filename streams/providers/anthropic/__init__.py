"""Adapter for Anthropic's messages API."""
