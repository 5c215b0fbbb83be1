"""Fixtures for all tests, and the order of tests."""

import gc
import os
import sys
from collections.abc import Iterator

# Before a numeric library is loaded: two test processes with two threads each wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from tests.fixtures.order import arrange
from tests.fixtures.pipeline import end_unneeded_pipeline, pipeline
from tests.fixtures.services import clickhouse, database, end_servers, kafka, own_name

__all__ = ["clickhouse", "database", "kafka", "own_name", "pipeline"]

# A suite starts a hundred processes; each would compile all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Kafka is started several times for seconds each: a compiler that thinks less is up a third sooner.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# The duration of an example depends on the machine; a hanging test is ended by its timeout. The
# suite draws the same examples each time, so that it fails for a change alone. To look for more,
# set SLUICE_TEST_EXAMPLES to how many others each property draws.
settings.register_profile("sluice", deadline=None, derandomize=True)
if _MORE := os.environ.get("SLUICE_TEST_EXAMPLES"):
    settings.register_profile("sluice", deadline=None, max_examples=int(_MORE))
settings.load_profile("sluice")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without garbage collection, and exclude the collected objects from later ones:
    thousands of items and the modules of the project live to the end.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests."""
    arrange(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End the shared pipeline early."""
    yield
    end_unneeded_pipeline(item, nextitem)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """End the servers, behind the fixtures that use them."""
    end_servers()
