"""Requests of transactions: a committed one is answered, an aborted one was never sent."""

from __future__ import annotations

import asyncio
import uuid

import orjson
from aiokafka import AIOKafkaProducer

from schemas.topics import REQUESTS
from tests.rig.hostile.sender import sender
from tests.rig.stack import Stack


def test_an_aborted_request_is_not_answered_and_the_next_one_is(
    pipeline: Stack, own_name: str
) -> None:
    async def case() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap, transactional_id=own_name)
        async with producer, sender(pipeline.bootstrap) as caller:
            received = {}
            for number, commits in enumerate((False, True, False, False, True)):
                correlation = uuid.uuid4().hex
                await producer.begin_transaction()
                await producer.send_and_wait(
                    REQUESTS,
                    orjson.dumps({"prompt": "hi", "request_id": f"{own_name}-{number}"}),
                    partition=0,
                    headers=[("correlation-id", correlation.encode())],
                )
                if commits:
                    await producer.commit_transaction()
                    assert (await caller.reply_to(correlation))["status"] == "replied"
                else:
                    await producer.abort_transaction()
                received[correlation] = commits
            for correlation, commits in received.items():
                assert caller.count(correlation) == int(commits)

    asyncio.run(case())
