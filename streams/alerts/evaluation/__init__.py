"""Evaluation of alert rules, and states of alerts."""
