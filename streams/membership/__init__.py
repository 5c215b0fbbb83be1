"""Membership of the consumer group: assignment, committed offsets and their metadata."""
