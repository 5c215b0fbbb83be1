"""Anthropic's messages, as the simulator serves them."""
