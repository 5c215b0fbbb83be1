"""Redaction of personal data and secrets before text is stored."""
