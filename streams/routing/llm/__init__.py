"""The LLM classifier, apart from its call."""
