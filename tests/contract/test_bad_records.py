"""No record stops a reader: one list of bad records against every reader of every topic."""

from __future__ import annotations

import ast
import asyncio
from functools import cache
from pathlib import Path

import pytest

from schemas.topics import is_tier_topic
from tests.rig.hostile.bad_records import bad_records
from tests.rig.kafka.topic_readers import (
    DEAD,
    DECLARED,
    READERS,
    TIER_TOPICS,
    WAITS,
    TopicReader,
    readings,
)

ROOT = Path(__file__).parents[2]
ALIKE = {*TIER_TOPICS[1:], *WAITS[1:], *DEAD[1:]}
"""Topics whose readers do not know one from another: the first of each stands for them."""

_OPENERS = {
    "Consumer",
    "LibrdkafkaConsumer",
    "open_consumer",
    "read_as_all_consumers_do",
    "standalone",
}


@pytest.mark.parametrize(
    ("reader", "topic"),
    [
        pytest.param(*each, id=f"{each[0].name}-{each[1]}")
        for each in readings(set(DECLARED) - ALIKE)
    ],
)
def test_a_reader_passes_over_every_bad_record_and_reads_on(
    reader: TopicReader, topic: str
) -> None:
    async def scenario() -> None:
        feeding = await reader.open(topic)
        for number, record in enumerate(bad_records(topic)):
            try:
                await feeding.take(record)
            except Exception as error:
                raise AssertionError(f"{record.what}: key {record.key!r:.60}") from error
            if number % 50 == 0:
                await feeding.check()
        await feeding.check()

    asyncio.run(scenario())


def test_every_declared_topic_has_a_reader_here() -> None:
    read = {topic for reader in READERS for topic in reader.topics}

    assert set(DECLARED) - read == set()
    assert all(is_tier_topic(topic) for topic in TIER_TOPICS)


def test_every_module_that_opens_a_consumer_is_a_readers() -> None:
    listed = {module for reader in READERS for module in reader.modules}

    assert set(_opening_modules()) == listed


def test_consumers_are_opened_in_one_way() -> None:
    """Tolerant of header names, committed records only: `core.kafka` sees to both."""
    for path, names in _calls().items():
        assert "AIOKafkaConsumer" not in names or path == "core/kafka/consumer.py", path
        if "Consumer" in names and path != "streams/membership/faust_transport.py":
            assert '"isolation.level": "read_committed"' in (ROOT / path).read_text(), path


def _opening_modules() -> list[str]:
    found = [path for path, names in _calls().items() if names & _OPENERS]
    return [path for path in found if not path.startswith("core/kafka/")]


@cache
def _calls() -> dict[str, set[str]]:
    """Names that each module of the product calls, of modules that name a consumer at all."""
    found: dict[str, set[str]] = {}
    for folder in ("core", "schemas", "streams", "sinks", "infra"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if not any(name in text for name in _OPENERS):
                continue
            tree = ast.parse(text)
            found[str(path.relative_to(ROOT))] = {
                node.func.id
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
    return found
