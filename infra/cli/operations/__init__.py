"""Commands that run and watch a deployment."""
