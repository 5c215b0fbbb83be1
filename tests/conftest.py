"""Fixtures that every test may ask for."""

import os

import pytest

from tests.fixtures.order import arrange
from tests.fixtures.pipeline import pipeline
from tests.fixtures.services import clickhouse, database, kafka, own_name

__all__ = ["clickhouse", "database", "kafka", "own_name", "pipeline"]

# Kafka is started a dozen times for seconds each: a compiler that thinks less is up a third sooner.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests."""
    arrange(items)
