"""Whether an answer can be trusted: hard checks, confidence, second looks."""
