"""Fixtures that every test may ask for, and the order of tests."""

import os

# Before a numeric library is loaded: two test processes with two threads each wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from tests.fixtures.order import arrange
from tests.fixtures.pipeline import pipeline
from tests.fixtures.services import clickhouse, database, kafka, own_name

__all__ = ["clickhouse", "database", "kafka", "own_name", "pipeline"]

# Kafka is started a dozen times for seconds each: a compiler that thinks less is up a third sooner.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# How long an example takes is the machine's affair; a test that hangs is ended by its timeout. The
# suite draws the same examples each time, so that it fails for a change alone. To look for more,
# set SLUICE_TEST_EXAMPLES to how many others each property draws.
settings.register_profile("sluice", deadline=None, derandomize=True)
if _MORE := os.environ.get("SLUICE_TEST_EXAMPLES"):
    settings.register_profile("sluice", deadline=None, max_examples=int(_MORE))
settings.load_profile("sluice")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests."""
    arrange(items)
