"""Requests that wait for replies, and those whose client is gone."""

from __future__ import annotations

import asyncio

import orjson

from schemas.errors import KafkaAwayError
from streams.gateway.dispatch import waiting as module
from streams.gateway.dispatch.request_ids import RequestIdentity
from streams.gateway.dispatch.waiting import WaitingRequest, WaitingRequests

CLAIM = ("key", "body")
REPLY = orjson.dumps({"request_id": "r", "status": "replied", "tiers_tried": [], "latency_ms": 1.0})


def identity(name: str = "r") -> RequestIdentity:
    return RequestIdentity(request_id=name, correlation=name.encode(), partition=0)


def waiting_for(requests: WaitingRequests, name: str = "r") -> WaitingRequest:
    return requests.wait_for(identity(name), CLAIM)


def test_a_reply_ends_the_wait_of_its_request_alone() -> None:
    requests = WaitingRequests()
    mine, other = waiting_for(requests), waiting_for(requests, "other")
    requests.deliver(b"r", (), REPLY)
    assert mine.has_ended
    assert not other.has_ended
    assert len(requests) == 1


def test_the_first_reply_counts_and_unreadable_ones_are_passed_over() -> None:
    requests = WaitingRequests()
    mine = waiting_for(requests)
    requests.deliver(b"r", (), b"nothing")
    assert (requests.unreadable, mine.has_ended) == (1, False)
    requests.deliver(b"r", (), REPLY)
    requests.deliver(b"r", (), b"nothing")
    assert (requests.unreadable, mine.has_ended) == (1, True)


def test_the_reply_to_another_request_is_passed_over() -> None:
    requests = WaitingRequests()
    mine = requests.wait_for(
        RequestIdentity(request_id="other", correlation=b"r", partition=0), CLAIM
    )
    requests.deliver(b"r", (), REPLY)
    assert (requests.unreadable, mine.has_ended) == (1, False)


def test_two_clients_of_one_request_get_its_reply_both() -> None:
    requests = WaitingRequests()
    first, second = waiting_for(requests), waiting_for(requests)
    requests.release(first)
    requests.deliver(b"r", (), REPLY)
    assert second.reply is not None


def test_a_request_that_nobody_waits_for_is_forgotten() -> None:
    requests = WaitingRequests()
    first, second = waiting_for(requests), waiting_for(requests)
    requests.release(first)
    requests.release(second)
    assert len(requests) == 0


def test_a_request_without_a_client_is_claimed_once() -> None:
    requests = WaitingRequests()
    mine = waiting_for(requests)
    requests.abandon(mine)
    requests.deliver(b"r", (), REPLY)
    assert requests.claim(("other", "body")) is None
    assert requests.claim(CLAIM) is mine
    assert mine.reply is not None
    assert requests.claim(CLAIM) is None


def test_requests_without_a_client_are_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "ABANDONED_KEPT", 2)
    requests = WaitingRequests()
    for number in range(5):
        requests.abandon(requests.wait_for(identity(f"r{number}"), ("key", f"body{number}")))
    assert len(requests) == 2
    assert requests.claim(("key", "body0")) is None
    assert requests.claim(("key", "body4")) is not None


def test_a_reader_that_fails_ends_every_wait() -> None:
    requests = WaitingRequests()
    mine = waiting_for(requests)
    requests.fail(KafkaAwayError("gone"))
    assert isinstance(mine.fault, KafkaAwayError)
    assert len(requests) == 0


def test_news_wake_a_waiter_and_a_time_out_says_that_there_are_none() -> None:
    async def scenario() -> None:
        requests = WaitingRequests()
        mine = waiting_for(requests)
        assert not await mine.changed(0)
        woken = asyncio.create_task(mine.changed(60))
        await asyncio.sleep(0)
        requests.deliver(b"r", (), REPLY)
        assert await woken

    asyncio.run(scenario())
