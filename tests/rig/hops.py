"""Hops of requests as tests put them on the log."""

from __future__ import annotations

from typing import Any

import orjson

from schemas.identity import reply_digest
from schemas.records import Decision, ReplyAddress, Source, TierMessage
from schemas.topics import REPLIES, REQUESTS


def first_hop(
    now: int,
    *,
    offset: int = 1,
    partition: int = 0,
    request_id: str = "r1",
    prompt: str = "capital?",
    correlation_id: bytes = b"c1",
    **more: Any,
) -> TierMessage:
    """Hop 0 on the first tier, at a moment of broker time, ms; `more` are fields of the message."""
    fields: dict[str, Any] = {
        "tenant": "default",
        "request_id": request_id,
        "source": Source(topic=REQUESTS, partition=partition, offset=offset, timestamp=now),
        "hop": 0,
        "visit": 0,
        "tier": "simple",
        "body": orjson.dumps({"messages": [{"role": "user", "content": prompt}]}),
        "user_id": None,
        "user_tier": None,
        "feature": None,
        "quality": "balanced",
        "deadline_at": now + 600_000,
        "reply_to": ReplyAddress(
            topic=REPLIES,
            partition=None,
            key=None,
            format="json",
            headers=(),
            digest=reply_digest(REPLIES, correlation_id),
        ),
        "decision": Decision(
            classifier="rules",
            score=0.1,
            tier="simple",
            model=None,
            reasons=("short",),
            registry_version="v",
            code_version="1",
        ),
    }
    return TierMessage(**(fields | more))
