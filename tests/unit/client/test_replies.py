"""Replies and parts among any other records of the reply topic."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from infra.cli.output.screen import print_json
from schemas.callers.reply_json import encode_reply, nano_of, read_reply, reply_document
from schemas.errors import AnswerChangedError, UndecodableError
from schemas.gateway.headers import CALL_ID, SEQUENCE
from streams.client.pending_requests import MAX_PARTS, PendingRequest, PendingRequests

REPLY: dict[str, Any] = {
    "request_id": "r", "status": "replied", "tiers_tried": ["simple"], "latency_ms": 1.5,
    "cost_usd": 0.1, "baseline_cost_usd": None, "message": {"content": "Hi"}, "model": "m",
    "tier": "simple", "error": None, "call_id": "c1",
    "routing": {
        "classifier": "rules", "score": None, "reasons": ["short"], "registry_version": "v1",
        "experiment": None, "arm": None,
    },
}  # fmt: skip
CHANGES: tuple[dict[str, Any], ...] = (
    {"status": 5}, {"tiers_tried": [5]}, {"cost_usd": "1"}, {"error": []}, {"error": {"code": 1}},
    {"routing": {**REPLY["routing"], "reasons": 5}}, {"message": "text"}, {"latency_ms": None},
    {"status": "failed"}, {"cost_usd": 1e300}, {"message": {"tool_calls": [1]}},
    {"message": {"tool_calls": [{"function": {"name": "f"}}]}}, {"message": {"tool_calls": {}}},
    {"latency_ms": 1e300}, {"status": "failed", "error": {}}, {"baseline_cost_usd": True},
)  # fmt: skip
BAD = (
    *(orjson.dumps({**REPLY, **change}) for change in CHANGES),
    *(
        b'{"status": "replied"}',
        None,
        b"",
        b"\xff",
        b"[]",
        b"1",
        b"null",
        b'{"status"',
        b"[" * 3_000,
        *(
            orjson.dumps(REPLY)[:-1] + b',"%b":%b%b}' % (name, b"[" * levels, b"]" * levels)
            for name in (b"message", b"more", b"routing")
            for levels in (254, 300, 900, 1_020)
        ),
    ),
)


def _waiting() -> tuple[PendingRequests[PendingRequest], PendingRequest]:
    requests, mine = PendingRequests[PendingRequest](), PendingRequest()
    requests.add(b"mine", mine)
    return requests, mine


def _part(number: int, call: str = "c1", content: str = "a") -> tuple[Any, bytes]:
    headers = ((CALL_ID, call.encode()), (SEQUENCE, str(number).encode()))
    return headers, orjson.dumps({"model": "m", "delta": {"content": content}})


@pytest.mark.parametrize("value", BAD)
def test_records_that_are_no_replies_are_passed_over_and_counted(value: bytes | None) -> None:
    requests, mine = _waiting()
    requests.deliver(b"mine", (), value)
    assert (requests.unreadable, mine.has_ended) == (1, False)
    requests.deliver(b"mine", (), orjson.dumps(REPLY))
    assert mine.reply == read_reply(orjson.dumps(REPLY))


def test_a_reply_in_json_is_the_same_after_reading_and_writing() -> None:
    reply = read_reply(orjson.dumps(REPLY))
    assert orjson.loads(encode_reply(reply)) == reply_document(reply)
    assert read_reply(encode_reply(reply)) == reply
    assert {name: reply_document(reply)[name] for name in REPLY} == REPLY


def test_money_is_exact_to_the_nano_dollar() -> None:
    assert nano_of(0.000000001) == 1
    assert nano_of(999_999.999999999) == 999_999_999_999_999
    assert nano_of(None) is None


def test_later_fields_of_a_reply_are_left_out_and_it_can_be_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deep = b"[" * 250 + b"]" * 250
    print_json(reply_document(read_reply(orjson.dumps(REPLY)[:-1] + b',"more":%b}' % deep)))
    assert orjson.loads(capsys.readouterr().out)["request_id"] == "r"


def test_a_reply_that_states_no_cause_is_unreadable() -> None:
    with pytest.raises(UndecodableError):
        read_reply(orjson.dumps({**REPLY, "status": "expired"}))


def test_parts_are_taken_from_their_begin_in_order_and_once() -> None:
    requests, mine = _waiting()
    for number in (1, 0, 0, 1, 3, 2, 1):
        requests.deliver(b"mine", *_part(number, content=str(number)))
    assert [part.text for part in mine.parts] == ["0", "1", "2"]


def test_parts_of_a_second_call_are_passed_over_and_its_reply_is_noticed() -> None:
    requests, mine = _waiting()
    requests.deliver(b"mine", *_part(0))
    requests.deliver(b"mine", *_part(1, call="c2"))
    requests.deliver(b"mine", (), orjson.dumps({**REPLY, "call_id": "c2"}))
    assert len(mine.parts) == 1
    assert mine.reply is not None
    with pytest.raises(AnswerChangedError, match="retry"):
        mine.check_parts(mine.reply)


def test_the_parts_of_one_answer_are_bounded() -> None:
    requests, mine = _waiting()
    for number in range(MAX_PARTS + 10):
        requests.deliver(b"mine", *_part(number))
    assert len(mine.parts) == MAX_PARTS


def test_a_request_after_the_end_of_reading_fails_at_once() -> None:
    requests, mine = _waiting()
    fault = UndecodableError("broken")
    requests.fail(fault)
    late = PendingRequest()
    requests.add(b"late", late)
    assert (mine.fault, late.fault) == (fault, fault)
    assert asyncio.run(late.ended(0)) is True
