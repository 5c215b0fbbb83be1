"""Adapter for OpenAI's chat completions."""
