"""A complete workload through real processes: replies, rows, the ledger and the cost agree."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from typing import Any

from infra.workload.sample import load_workload
from streams.client.batch_send import Pace, send_all
from streams.client.caller import ReceivedReply, kafka_caller
from streams.client.feedback import FeedbackMessage, publish_feedback
from streams.client.totals import SendTotals, nano_of
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

    def on_reply(request: Any, answer: ReceivedReply) -> None:
        replies[request["request_id"]] = answer.reply
        totals.take(answer)

    async def scenario() -> None:
        async with kafka_caller(pipeline.bootstrap) as caller:
            assert not await send_all(caller, requests, on_reply, Pace(in_flight=16), timeout_s=60)

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


def test_feedback_becomes_a_quality_signal_of_its_request(pipeline: Stack, own_name: str) -> None:
    opinion = FeedbackMessage(tenant="acme", request_id=own_name, score=0.25, label="wrong")
    asyncio.run(publish_feedback(pipeline.bootstrap, [opinion]))
    query = f"SELECT signal, label, score FROM sluice.quality WHERE request_id = '{own_name}'"

    poll_until(lambda: bool(rows(pipeline.clickhouse_url, query)))
    assert rows(pipeline.clickhouse_url, query) == [["feedback", "wrong", 0.25]]
