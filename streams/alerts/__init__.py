"""Alerts: rules evaluated on the event topics by one worker at a time, sent to webhooks."""
