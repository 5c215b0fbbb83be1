"""The sample workload: our own prompts, with honest answers at three strengths."""
