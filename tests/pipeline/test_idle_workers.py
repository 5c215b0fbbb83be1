"""A worker whose consumer polls nothing for an hour, on a real broker: it stays in its group."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.membership.group_state import group_standing
from streams.offset_metadata.delivery_attempts import DeliveryAttempts
from streams.worker.faust_app import build_app
from streams.worker.settings import WorkerSettings

AN_HOUR_S = 3_600.0
HEARTBEATS = 3


async def _consumer(stack: AsyncExitStack, kafka: str, name: str) -> AIOKafkaConsumer:
    """The consumer of a worker, in its group and on the topic of that name, never polled."""
    settings = WorkerSettings(kafka_bootstrap_servers=kafka, group=name, session_timeout_s=6)
    app = build_app(settings, None, DeliveryAttempts(name))
    consumer: Any = app.consumer
    found = consumer.thread._create_worker_consumer(app.transport)
    await found.start()
    stack.push_async_callback(found.stop)
    found.subscribe([name])
    return found


async def _heartbeats(consumer: AIOKafkaConsumer) -> None:
    """Wait until the coordinator has received some more heartbeats, or the member has left."""
    coordinator: Any = consumer._coordinator
    beat, beats = coordinator._do_heartbeat, asyncio.Semaphore(0)

    async def counted() -> Any:
        done = await beat()
        beats.release()
        return done

    coordinator._do_heartbeat = counted
    for _ in range(HEARTBEATS):
        await beats.acquire()
    coordinator._do_heartbeat = beat


def _idle(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """Pretend that no poll happened for so long."""
    consumer._subscription._last_fetch_ended -= seconds


async def _members(consumer: AIOKafkaConsumer) -> int | None:
    standing = await group_standing(consumer)
    return None if standing is None else standing.members


async def _settled(consumers: list[AIOKafkaConsumer]) -> AIOKafkaConsumer:
    """Who has the one partition once all are members."""
    async with asyncio.timeout(30):
        while True:
            owners = [each for each in consumers if each.assignment()]
            if len(owners) == 1 and await _members(owners[0]) == len(consumers):
                return owners[0]
            await asyncio.sleep(0.05)


def test_a_surplus_worker_idle_for_an_hour_takes_over_from_a_leaving_one(
    kafka: str, own_name: str
) -> None:
    async def case() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.create_topics([NewTopic(own_name, 1, 1)])
        await admin.close()
        async with AsyncExitStack() as stack:
            pair = [await _consumer(stack, kafka, own_name) for _ in range(2)]
            owner = await _settled(pair)
            (spare,) = [each for each in pair if each is not owner]
            for each in pair:
                _idle(each, AN_HOUR_S)
            await asyncio.gather(*map(_heartbeats, pair))
            assert await _members(owner) == 2
            assert owner.assignment() == {TopicPartition(own_name, 0)}
            await owner.stop()
            assert await _settled([spare]) is spare

    asyncio.run(asyncio.wait_for(case(), 90))
