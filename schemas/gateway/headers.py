"""Headers of the gateway's topics (design, section 13).

A request on the gateway's topic states its tenant in headers: only gateways may write there, so a
header is trusted, and a field of the caller's body is not. A reply or a part of a streamed answer
is addressed by its correlation id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.identity import NAME
from schemas.journal_headers import Headers

TENANT = "sluice-tenant"
KEY_ID = "sluice-key-id"

STREAM = "sluice-stream"
"""Header of a request, of a gateway or of any caller: `1` asks for the answer in parts."""

CALL_ID = "sluice-call-id"
"""Header of a part of a streamed answer: the provider call that it comes from."""

SEQUENCE = "sluice-sequence"
"""Header of a part of a streamed answer: its number within the call, from 0."""

REPLY_PARTITION = "kafka_replyPartition"
"""Header of a request: the partition of its reply, four bytes, big-endian. The name is Spring's."""

ACCEPTED_AT = "sluice-accepted-at"
"""Header of a gateway's own record on its reply topic: a response that can be read later was
accepted at this broker time, ms. Its request follows on the gateway's request topic.
"""

CANCELS_UNTIL = "sluice-cancels-until"
"""Header of a request that asks to cancel the earlier one of the same id: the deadline of that one,
broker time, ms, in ASCII digits.
"""

YES = b"1"


def wants_parts(stream: bytes | None) -> bool:
    """Return whether a request's header asks for the answer in parts."""
    return stream == YES


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayHeaders:
    """What a gateway states of a request beside its body. `key_id` identifies the API key, never
    reveals it; `stream` asks for the answer in parts.
    """

    tenant: str
    key_id: str
    stream: bool = False

    def as_headers(self) -> Headers:
        """Return the headers of the request's record."""
        found = [(TENANT, self.tenant.encode()), (KEY_ID, self.key_id.encode())]
        return [*found, (STREAM, YES)] if self.stream else found

    @classmethod
    def read(cls, headers: Iterable[tuple[str, bytes | None]]) -> GatewayHeaders | None:
        """Return the statement of a request's headers; `None` without a valid tenant and key id.
        The first header of a name counts.
        """
        found = dict(reversed([(name, value) for name, value in headers if value is not None]))
        tenant = found.get(TENANT, b"").decode(errors="replace")
        key_id = found.get(KEY_ID, b"").decode(errors="replace")
        if not NAME.fullmatch(tenant) or not NAME.fullmatch(key_id):
            return None
        return cls(tenant=tenant, key_id=key_id, stream=wants_parts(found.get(STREAM)))
