"""The record on the gateway's request topic that asks to cancel an earlier request.

It has the key and the headers of that request, and `CANCELS_UNTIL`. To a worker that does not know
it, it is an incomplete request with a repeated id: without effect if the earlier one was read
before, else it is the one that counts, and is rejected.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from schemas.encoding.value_checks import INT64_DIGITS, MAX_TIME_MS
from schemas.gateway.headers import CANCELS_UNTIL

_MARK = b'{"cancel":true,'


def cancellation_value(tenant: str, request_id: str) -> bytes:
    """Return the value of the record."""
    identity = orjson.dumps({"tenant": tenant, "request_id": request_id})
    return _MARK + identity[1:]


def is_cancellation(value: bytes | None) -> bool:
    """Return whether a value is that of such a record, without decoding it."""
    return value is not None and value.startswith(_MARK)


def cancels_until(headers: Iterable[tuple[str, bytes | None]]) -> int | None:
    """Return the deadline (broker time, ms) of the request that a record asks to cancel; `None` if
    it asks for nothing like that.
    """
    value = next((value for name, value in headers if name == CANCELS_UNTIL), None)
    if value is None or not value.isdigit() or len(value) > INT64_DIGITS:
        return None
    return min(int(value), MAX_TIME_MS)
