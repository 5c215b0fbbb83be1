"""Answers of simulated models."""
