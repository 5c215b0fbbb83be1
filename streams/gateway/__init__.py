"""The HTTP gateway: endpoints of OpenAI and Anthropic in front of the log (design, section 13)."""
