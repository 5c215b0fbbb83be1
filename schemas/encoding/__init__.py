"""Bytes to values and back: Avro, exact JSON, and their bounds."""
