"""Unreadable records: reports, rate limits and dead letters."""
