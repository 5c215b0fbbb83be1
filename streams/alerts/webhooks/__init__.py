"""Delivery of alerts to webhooks."""
