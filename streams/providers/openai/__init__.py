"""The adapter for OpenAI's chat completions."""
