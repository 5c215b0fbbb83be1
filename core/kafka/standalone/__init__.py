"""Consumers without a group: the port, its adapter to librdkafka, and its in-memory twin."""
