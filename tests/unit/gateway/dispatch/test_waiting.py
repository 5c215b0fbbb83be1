"""Requests that wait for replies, and those whose client is gone."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from core.kafka.fetch_source import FetchedRecord
from schemas.callers.headers import CORRELATION_ID
from schemas.errors import KafkaAwayError
from schemas.gateway.headers import ACCEPTED_AT, CALL_ID, SEQUENCE
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


def record(offset: int, value: bytes, *more: tuple[str, bytes]) -> FetchedRecord:
    headers = ((CORRELATION_ID, b"r"), *more)
    return FetchedRecord("t", 0, offset, 1, 1, None, value, headers)


def test_a_followed_request_gets_its_records_beside_one_that_waits() -> None:
    requests = WaitingRequests()
    client = waiting_for(requests)
    followed = WaitingRequest(identity=identity(), claim=CLAIM, read_to=6)
    part = orjson.dumps({"model": "m", "delta": {}})
    followed.take(((CALL_ID, b"c1"), (SEQUENCE, b"0")), part)
    requests.follow(followed)
    for offset in (5, 6):
        number = b"%d" % (offset - 5)
        requests.take(record(offset, part, (CALL_ID, b"c1"), (SEQUENCE, number)))
    requests.take(record(6, part, (CALL_ID, b"c2"), (SEQUENCE, b"0")))
    for each in (client, followed):
        assert [(got.call_id, got.sequence) for got in each.parts] == [("c1", 0), ("c1", 1)]
    assert len(requests) == 1
    requests.take(record(7, b"{}", (ACCEPTED_AT, b"1")))
    requests.take(record(8, REPLY))
    assert client.reply == followed.reply is not None
    requests.follow(followed)
    requests.fail(KafkaAwayError("gone"))
    assert followed.fault is None


def test_the_longest_followed_request_without_a_client_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FOLLOWED_KEPT", 2)
    requests = WaitingRequests()
    found = [WaitingRequest(identity=identity(name), claim=CLAIM) for name in "abcd"]
    found[0].clients = 1
    for each in found:
        requests.follow(each)
    assert [each.fault is not None for each in found] == [False, True, True, False]


def test_a_retry_does_not_join_a_wait_that_failed() -> None:
    requests = WaitingRequests()
    first = waiting_for(requests)
    first.fail(KafkaAwayError("gone"))
    retry = waiting_for(requests)
    requests.release(first)
    requests.deliver(b"r", (), REPLY)
    assert retry.reply is not None


def test_requests_of_one_body_that_nobody_claims_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ABANDONED_KEPT", 3)
    requests = WaitingRequests()
    for number in range(10):
        requests.abandon(waiting_for(requests, f"r{number}"))
    kept = iter(lambda: requests.claim(CLAIM), None)
    assert [each.identity.request_id for each in kept] == ["r7", "r8", "r9"]
