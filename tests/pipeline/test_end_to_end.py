"""A complete workload through real processes: replies, rows, the ledger and the cost agree."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from infra.workload.sample import load_workload
from schemas.callers.reply_json import nano_of
from schemas.errors import RejectedRequestError
from streams.client.batch.totals import SendTotals
from streams.client.client import SluiceClient
from streams.client.feedback import FeedbackMessage, publish_feedback
from streams.client.settings import ClientSettings
from tests.rig.observed.books import read_ledger, reconcile, rows, settle
from tests.rig.observed.polling import poll_until
from tests.rig.stack import Stack

NANO = 1_000_000_000


def _send(pipeline: Stack) -> tuple[dict[str, dict[str, Any]], SendTotals]:
    run = uuid.uuid4().hex[:6]
    requests = [
        {**item.request, "request_id": f"{run}-{item.id}", "tenant": run}
        for item in load_workload()
    ]
    replies: dict[str, dict[str, Any]] = {}
    totals = SendTotals()

    async def scenario() -> None:
        async with SluiceClient(ClientSettings(bootstrap_servers=pipeline.bootstrap)) as client:
            async for outcome in client.ask_many(requests, in_flight=16, timeout_s=60):
                answer = outcome.answer()
                replies[answer.reply.request_id] = answer.document
                totals.take(answer)

    asyncio.run(scenario())
    settle(pipeline.clickhouse_url, list(replies), pipeline.ledger, 30)
    return replies, totals


def test_every_request_is_answered_once_stored_once_and_paid_as_in_the_ledger(
    pipeline: Stack,
) -> None:
    replies, totals = _send(pipeline)
    tenant = next(iter(replies)).split("-")[0]
    url = pipeline.clickhouse_url

    books = reconcile(
        url, list(replies), {key: [one] for key, one in replies.items()}, pipeline.ledger
    )
    assert books.balanced, books

    calls, cost = rows(
        url, f"SELECT count(), sum(cost) FROM sluice.calls WHERE tenant = '{tenant}'"
    )[0]
    assert int(Decimal(cost) * NANO) == totals.cost_nano
    mine = rows(url, f"SELECT call_id FROM sluice.calls WHERE tenant = '{tenant}'")
    served = read_ledger(pipeline.ledger)
    assert calls == len(mine)
    assert sum(served[call_id].cost_nano or 0 for (call_id,) in mine) == totals.cost_nano

    stored = rows(
        url, f"SELECT request_id, cost FROM sluice.requests WHERE tenant = '{tenant}' ORDER BY 1"
    )
    assert {key: int(Decimal(cost) * NANO) for key, cost in stored} == {
        key: nano_of(reply["cost_usd"]) for key, reply in replies.items()
    }


def test_a_client_with_a_reply_topic_of_its_own_takes_an_answer_in_parts(
    pipeline: Stack, own_name: str
) -> None:
    topic = f"replies.{own_name}"
    admin = AdminClient({"bootstrap.servers": pipeline.bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()

    async def scenario() -> None:
        settings = ClientSettings(bootstrap_servers=pipeline.bootstrap, reply_topic=topic)
        async with SluiceClient(settings) as client:
            stream = client.stream("What is Kafka?", model="gpt-4o")
            parts = [part async for part in stream]
            assert stream.reply is not None
            assert "".join(part.text for part in parts) == stream.reply.text
            # A pinned model is live: its parts have its call, whose reply is this one.
            assert {part.call_id for part in parts} == {stream.reply.reply.call_id}
            with pytest.raises(RejectedRequestError) as refused:
                await client.ask("What is Kafka?", tier="no-such-tier")
            assert refused.value.code == "invalid_request"

    asyncio.run(scenario())


def test_feedback_becomes_a_quality_signal_of_its_request(pipeline: Stack, own_name: str) -> None:
    opinion = FeedbackMessage(tenant="acme", request_id=own_name, score=0.25, label="wrong")
    asyncio.run(publish_feedback(pipeline.bootstrap, [opinion]))
    query = f"SELECT signal, label, score FROM sluice.quality WHERE request_id = '{own_name}'"

    poll_until(lambda: bool(rows(pipeline.clickhouse_url, query)))
    assert rows(pipeline.clickhouse_url, query) == [["feedback", "wrong", 0.25]]
