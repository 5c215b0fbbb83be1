"""Encoding and decoding of values: Avro, exact JSON, and their limits."""
