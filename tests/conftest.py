"""Fixtures that every test may ask for."""

from tests.fixtures.pipeline import pipeline
from tests.fixtures.services import clickhouse, database, kafka, own_name

__all__ = ["clickhouse", "database", "kafka", "own_name", "pipeline"]
