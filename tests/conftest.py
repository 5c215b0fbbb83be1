"""Fixtures that every test may ask for."""

import os

from hypothesis import settings

from tests.fixtures.pipeline import pipeline
from tests.fixtures.services import clickhouse, database, kafka, own_name

__all__ = ["clickhouse", "database", "kafka", "own_name", "pipeline"]

# Kafka is started a dozen times for seconds each: a compiler that thinks less is up a third sooner.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# How long an example takes is the machine's affair; a test that hangs is ended by its timeout.
settings.register_profile("sluice", deadline=None)
settings.load_profile("sluice")
