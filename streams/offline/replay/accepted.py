"""Parsing of a request that was accepted before, without a second validation.

Invariant: for a document that `schemas.request.read_request` accepts, the result is the same
request. Acceptance is recorded in the request's outcome; validation takes half the time of a
replay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.assistant_turn import passed_turn
from schemas.chat import PASSED_ON
from schemas.errors import InvalidRequestError
from schemas.identity import DEFAULT_TENANT
from schemas.request import AUTO_MODEL, DEFAULT_DEADLINE_MS, Request

_PLAIN = {"role", "content"}


def accepted_request(document: Mapping[str, Any]) -> Request:
    """Return the request of an accepted document.

    Raises:
        InvalidRequestError: it is another document: a recreated topic has other records at the same
            offsets.
    """
    try:
        return _taken_apart(document)
    except (AttributeError, TypeError, ValueError, KeyError, OverflowError) as error:
        raise InvalidRequestError(
            f"the document was never accepted: {type(error).__name__}"
        ) from None


def _taken_apart(document: Mapping[str, Any]) -> Request:
    get = document.get
    body = {
        name: value for name, value in document.items() if value is not None and name in PASSED_ON
    }
    prompt, model, retrieval = get("prompt"), get("model"), get("retrieval")
    if prompt is not None:
        body["messages"] = [{"role": "user", "content": prompt}]
    elif "messages" not in body:
        raise InvalidRequestError("the document has neither prompt nor messages")
    else:
        body["messages"] = [
            message if message.keys() == _PLAIN else passed_turn(message)
            for message in body["messages"]
        ]
    return Request(
        request_id=get("request_id"),
        tenant=get("tenant") or DEFAULT_TENANT,
        body=body,
        model=None if model == AUTO_MODEL else model,
        user_id=get("user_id") or get("user"),
        user_tier=get("user_tier"),
        feature=get("feature"),
        quality=get("quality"),
        tier=get("tier"),
        retrieval_scores=tuple(map(float, retrieval.get("scores", ()))) if retrieval else (),
        retrieval_query_type=retrieval.get("query_type") if retrieval else None,
        deadline_ms=get("deadline_ms") or DEFAULT_DEADLINE_MS,
        metadata=get("metadata") or {},
    )
