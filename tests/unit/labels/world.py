"""Requests, their answers and a log of them, for the tests of labels."""

from __future__ import annotations

import orjson

from infra.labels.judged_answers import AskedRequest, JudgedAnswer
from infra.labels.request_log import LoggedValue, LogPlace

TOPIC = "llm.requests.v1"


def request(number: int, *, partition: int = 0) -> AskedRequest:
    """The request at this offset."""
    return AskedRequest(
        tenant="acme",
        request_id=f"r{number}",
        requested_at=1_000 + number,
        place=LogPlace(topic=TOPIC, partition=partition, offset=number),
    )


def answer(
    labelled: AskedRequest,
    tier: str = "simple",
    score: float = 1.0,
    *,
    model: str | None = None,
    signal: str = "judge",
    propensity: float | None = None,
    prompt: str = "",
) -> JudgedAnswer:
    """A judged answer to it."""
    return JudgedAnswer(
        request=labelled,
        tier=tier,
        model=model or f"{tier}-model",
        signal=signal,
        score=score,
        propensity=propensity,
        prompt=prompt,
    )


def logged(labelled: AskedRequest, prompt: str) -> tuple[LogPlace, LoggedValue]:
    """The request as stored in the log."""
    value = orjson.dumps({"request_id": labelled.request_id, "prompt": prompt})
    return labelled.place, LoggedValue(value=value, timestamp=labelled.requested_at)
