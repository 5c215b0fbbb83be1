"""The LLM classifier, without its call."""
