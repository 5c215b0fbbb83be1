"""The record that a response was accepted, on the partition of its reply.

It is published before the request, so a response whose id was given out has one. Whoever reads the
response later finds in it what the answer repeats of the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from core.kafka.producer import Outgoing
from schemas.callers.headers import CORRELATION_ID
from schemas.encoding.value_checks import INT64_DIGITS, MAX_TIME_MS
from schemas.errors import UndecodableError
from schemas.gateway.headers import ACCEPTED_AT
from schemas.topics import GATEWAY_REPLIES
from streams.gateway.dispatch.request_ids import RequestIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedResponse:
    """A response that can be read later. `echo` are the fields of the request that it repeats."""

    tenant: str
    asked_model: str
    deadline_ms: int
    background: bool
    echo: Mapping[str, Any]

    def record(self, identity: RequestIdentity, at: int) -> Outgoing:
        """Return the record for a request that is accepted at this broker time, ms."""
        return Outgoing(
            topic=GATEWAY_REPLIES,
            key=identity.request_id.encode(),
            value=orjson.dumps(asdict(self)),
            headers=[(CORRELATION_ID, identity.correlation), (ACCEPTED_AT, b"%d" % at)],
            partition=identity.partition,
        )


_ACCEPTED = TypeAdapter(AcceptedResponse)


def accepted_at(headers: Iterable[tuple[str, bytes | None]]) -> int | None:
    """Return the time of acceptance (broker time, ms) that a record states; `None` if the record is
    another one.
    """
    value = next((value for name, value in headers if name == ACCEPTED_AT), None)
    if value is None or not value.isdigit() or len(value) > INT64_DIGITS:
        return None
    return min(int(value), MAX_TIME_MS)


def read_acceptance(value: bytes | None) -> AcceptedResponse:
    """Return the accepted response of a record. Later versions may add fields.

    Raises:
        UndecodableError: it is none.
    """
    try:
        return _ACCEPTED.validate_json(value or b"")
    except ValidationError:
        raise UndecodableError("not an accepted response") from None
