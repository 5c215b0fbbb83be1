"""A provider that is down for a while: requests wait on the log, and are answered afterwards."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from streams.client.client import SluiceClient
from streams.client.settings import ClientSettings
from tests.rig.observed.books import reconcile, rows, settle
from tests.rig.observed.polling import until_true
from tests.rig.stack import Stack, switch_faults

REQUESTS = 30
SECONDS = 90
DEADLINE_MS = 60_000
"""Too short for the longest wait topic, so that the outage's end is noticed within ten seconds."""
DOWN: dict[str, object] = {"kind": "status", "status": 500}


def test_an_outage_loses_nothing_and_its_accounts_balance(pipeline: Stack) -> None:
    run = uuid.uuid4().hex[:6]
    requests = [
        {"prompt": "What is Kafka?", "request_id": f"{run}-{n}", "deadline_ms": DEADLINE_MS}
        for n in range(REQUESTS)
    ]
    replies: dict[str, dict[str, Any]] = {}
    url = pipeline.clickhouse_url
    waiting = (
        "SELECT uniqExact(request_id) FROM sluice.outcomes "
        f"WHERE kind = 'parked' AND startsWith(request_id, '{run}')"
    )

    async def send() -> None:
        settings = ClientSettings(bootstrap_servers=pipeline.bootstrap)
        async with SluiceClient(settings) as client:
            async for outcome in client.ask_many(requests, in_flight=64, timeout_s=SECONDS):
                assert outcome.reply is not None
                replies[outcome.request["request_id"]] = outcome.reply.document

    async def scenario() -> None:
        await asyncio.to_thread(switch_faults, pipeline.simulator_url, DOWN)
        try:
            sending = asyncio.create_task(send())
            await until_true(lambda: sending.done() or rows(url, waiting)[0][0] >= REQUESTS)
            assert not sending.done()
            await asyncio.to_thread(switch_faults, pipeline.simulator_url)
            await sending
        finally:
            await asyncio.to_thread(switch_faults, pipeline.simulator_url)

    asyncio.run(scenario())
    assert {reply["status"] for reply in replies.values()} == {"replied"}
    settle(url, list(replies), pipeline.ledger, SECONDS)
    books = reconcile(
        url, list(replies), {key: [one] for key, one in replies.items()}, pipeline.ledger
    )
    assert books.balanced, books
