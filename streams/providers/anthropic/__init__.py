"""The adapter for Anthropic's messages."""
