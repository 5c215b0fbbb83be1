"""Sending many requests: bounded, complete, and requests without a reply are named."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from schemas.errors import LocalStackError
from streams.client.batch_send import Pace, send_all
from streams.client.caller import ReceivedReply
from streams.client.in_memory_caller import MemoryCaller
from streams.client.totals import SendTotals, nano_of


def _reply(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request_id": request["request_id"],
        "status": "replied",
        "tier": "simple",
        "tiers_tried": ["simple"],
        "cost_usd": 0.0000087,
        "baseline_cost_usd": 0.001035,
    }


def _send(caller: MemoryCaller, count: int, in_flight: int) -> tuple[SendTotals, list[Any]]:
    totals = SendTotals()

    def on_reply(_: Mapping[str, Any], reply: ReceivedReply) -> None:
        totals.take(reply)

    requests = [{"request_id": f"r{number}"} for number in range(count)]
    pace = Pace(in_flight=in_flight)
    return totals, asyncio.run(send_all(caller, requests, on_reply, pace, timeout_s=0.05))


def test_every_request_is_sent_and_its_reply_counted() -> None:
    caller = MemoryCaller(_reply)

    totals, unanswered = _send(caller, 100, in_flight=8)

    assert totals.replies == 100
    assert unanswered == []
    assert caller.most_open <= 8


def test_a_request_without_a_reply_is_named_and_blocks_no_other() -> None:
    caller = MemoryCaller(
        lambda request: None if request["request_id"] == "r3" else _reply(request)
    )

    totals, unanswered = _send(caller, 10, in_flight=2)

    assert totals.replies == 9
    assert [request["request_id"] for request in unanswered] == ["r3"]


def test_money_is_summed_in_integer_nano_dollars() -> None:
    totals, _ = _send(MemoryCaller(_reply), 3, in_flight=1)

    assert totals.cost_nano == 3 * 8_700
    assert totals.baseline_nano == 3 * 1_035_000
    assert nano_of(0.000000001) == 1
    assert nano_of(999_999.999999999) == 999_999_999_999_999


def test_a_reply_of_unknown_cost_is_counted_apart_and_not_as_zero() -> None:
    unknown = MemoryCaller(lambda request: {**_reply(request), "cost_usd": None})

    totals, _ = _send(unknown, 2, in_flight=1)

    assert (totals.unknown_cost, totals.cost_nano, totals.saved_share) == (2, 0, None)


def test_a_failed_reply_topic_is_one_error() -> None:
    class Broken:
        async def call(self, request: Mapping[str, Any]) -> asyncio.Future[ReceivedReply]:
            future: asyncio.Future[ReceivedReply] = asyncio.get_running_loop().create_future()
            future.set_exception(LocalStackError("reading of the reply topic failed"))
            return future

    requests = [{"request_id": f"r{number}"} for number in range(5)]
    with pytest.raises(LocalStackError):
        asyncio.run(send_all(Broken(), requests, lambda *_: None, Pace(in_flight=5), timeout_s=1))
