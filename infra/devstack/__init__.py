"""Kafka, ClickHouse and the pipeline's processes on one machine, out of Python packages."""
