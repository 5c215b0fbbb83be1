"""The records of the floor: shape and size of the real ones, with constant content."""

from __future__ import annotations

from typing import Any

import orjson

from core.kafka.incoming_message import Incoming
from schemas.encoding.avro_mapping import as_record
from schemas.events import CostEvent, HopResult, OutcomeEvent, QualityEvent
from schemas.records import Decision, ReplyAddress, Source, TierMessage

_DECISION = Decision(
    classifier="rules",
    score=0.3,
    tier="simple",
    model=None,
    reasons=("very short (-0.12)", "a short everyday question (-0.12)"),
    registry_version="73b060a53058b019",
    code_version="1",
    inputs='{"now":1700000000000,"time_left_ms":600000,"score":0.3}',
)
_WHO: dict[str, Any] = {"tenant": "default", "user_id": None, "user_tier": None, "feature": None}


def tier_message(request: dict[str, Any], message: Incoming) -> dict[str, Any]:
    """A hop's work as classify would write it."""
    body = {"messages": [{"role": "user", "content": request.get("prompt", "")}]}
    if "messages" in request:
        body = {"messages": request["messages"]}
    return as_record(
        TierMessage(
            **_WHO,
            request_id=request["request_id"],
            source=Source(
                topic=message.topic,
                partition=message.partition,
                offset=message.offset,
                timestamp=message.timestamp,
            ),
            hop=0,
            visit=0,
            tier="simple",
            body=orjson.dumps(body),
            quality="balanced",
            deadline_at=message.timestamp + 600_000,
            reply_to=ReplyAddress(
                topic="llm.replies.v1",
                partition=None,
                key=message.key,
                format="json",
                headers=(),
                digest="0011223344556677",
            ),
            decision=_DECISION,
        )
    )


def cost_event(record: dict[str, Any]) -> dict[str, Any]:
    """The cost event of a call."""
    return as_record(
        CostEvent(
            **_WHO,
            request_id=record["request_id"],
            hop=0,
            visit=0,
            call_id="0" * 32,
            purpose="answer",
            at=record["deadline_at"],
            started_at=record["deadline_at"],
            tier="simple",
            provider="openai",
            request_model="gpt-4o-mini",
            status="ok",
            cost_nano=8_700,
            worker="floor",
            incarnation="floor",
        )
    )


def quality_event(record: dict[str, Any]) -> dict[str, Any]:
    """A confidence."""
    return as_record(
        QualityEvent(
            **_WHO,
            request_id=record["request_id"],
            at=record["deadline_at"],
            signal="confidence",
            name="checks",
            score=0.9,
            passed=True,
            worker="floor",
        )
    )


def outcome_event(record: dict[str, Any]) -> dict[str, Any]:
    """An end."""
    return as_record(
        OutcomeEvent(
            **_WHO,
            request_id=record["request_id"],
            hop=0,
            visit=0,
            kind="replied",
            final=True,
            at=record["deadline_at"],
            worker="floor",
            incarnation="floor",
            source=Source(topic="llm.requests.v1", partition=0, offset=0, timestamp=0),
            tier="simple",
            quality="balanced",
            deadline_at=record["deadline_at"],
            decision=_DECISION,
            result=HopResult(latency_ms=1.0),
        )
    )
