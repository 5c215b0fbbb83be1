"""Alerts: rules evaluated on the event topics by one worker at a time, and sent to webhooks."""
