"""Kafka as tests need it: secure, changing, read from outside."""
