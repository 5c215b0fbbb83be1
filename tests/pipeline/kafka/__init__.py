"""Clients of Kafka on a real broker."""
