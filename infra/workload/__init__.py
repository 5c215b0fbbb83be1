"""The sample workload: prompts with answers at three strengths."""
