"""Limits, circuit breakers, load and retries of model instances."""
