"""A call that was cut off is booked, also where its started record can't be read."""

from __future__ import annotations

import asyncio

import pytest

from core.kafka.producer import Outgoing
from schemas.journal_headers import JournalHeaders
from schemas.topics import COST, OUTCOMES
from streams.agents.calls.interrupted_calls import book_interrupted
from tests.unit.agents.world import World


@pytest.mark.parametrize("value", [b"", b"\xff", b"{}", b'{"purpose": []}'])
def test_an_unreadable_start_is_booked_by_its_headers(value: bytes) -> None:
    world = World()
    headers = JournalHeaders(
        kind="started", hop=0, visit=0, origin="t:0:1", digest="d", worker="gone",
        incarnation="i", call_id="c9", lease_until=1,
    )  # fmt: skip

    async def run() -> None:
        worker = await world.worker()
        await world.log.publish(
            Outgoing(
                topic=OUTCOMES, key=b"acme/r1", value=value, headers=headers.encode(), partition=0
            )
        )
        await worker.kafka.journals.take_news()
        calls = (await worker.kafka.journals.ready(0)).unbooked()
        await book_interrupted(0, calls, worker.kafka)

    asyncio.run(run())
    (cost,) = world.events(COST, "CostEvent")
    assert (cost["tenant"], cost["request_id"], cost["call_id"]) == ("acme", "r1", "c9")
    assert (cost["provider"], cost["status"], cost["cost_nano"]) == ("unknown", "interrupted", None)
