"""The classify agent: from a caller's request to hop 0."""
