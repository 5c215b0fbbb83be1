"""The bare round trip: a record of a request's size, produced and consumed by the bench's client.

It is the yardstick of latency: the same client and broker with no worker between them.
"""

from __future__ import annotations

import asyncio

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.bench.prompts import make_requests
from tests.bench.trees import BenchError
from tests.rig.load import load

TOPIC = "bench.round_trip"
_BY_S = 60.0


def create_topic(bootstrap: str, partitions: int) -> None:
    """Create the topic of the round trips, with as many partitions as the request topic."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for future in client.create_topics([NewTopic(TOPIC, partitions, 1)]).values():
        future.result(timeout=30)


def round_trip(bootstrap: str, rate: int, seconds: float) -> tuple[float, float]:
    """p50 and p99 at a steady rate, ms."""
    return asyncio.run(_round_trip(bootstrap, rate, seconds))


async def _round_trip(bootstrap: str, rate: int, seconds: float) -> tuple[float, float]:
    async with load(bootstrap, (TOPIC,), requests=TOPIC) as running:
        await running.at_rate(make_requests(f"trip{rate}"), rate, seconds)
        if not await running.all_answered(_BY_S):
            raise BenchError(f"records of the bare round trip at {rate}/s did not come back")
        skip = rate
        return running.seen.percentile(0.5, skip), running.seen.percentile(0.99, skip)
