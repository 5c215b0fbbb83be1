"""The headers of a journal record: all that a worker needs to know of it without decoding it.

Every record of the outcomes topic carries them; its key is the identity. Cost events carry
`call-id` and `incarnation`, and `cut-off` where a worker that leaves in order books its own call as
interrupted. Values are ASCII. Readers ignore records of a kind that they do not know.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import UndecodableError

KIND = "kind"
HOP = "hop"
VISIT = "visit"
ORIGIN = "origin"
DIGEST = "reply-digest"
CALL_ID = "call-id"
LEASE = "lease-until"
WORKER = "worker"
INCARNATION = "incarnation"
CUT_OFF = "cut-off"
"""Header of a cost event: its worker left in order before the call ended."""

STARTED = "started"
PARKED = "parked"
ESCALATED = "escalated"
TERMINAL = frozenset({"replied", "failed", "rejected", "expired"})
HOP_ENDS = TERMINAL | {PARKED, ESCALATED}
"""Kinds that say that a hop is done."""

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHeaders:
    """One journal record as its headers tell it.

    `origin` is `topic:partition:offset` of the caller's request; `lease_until` is broker time, ms.
    """

    kind: str
    hop: int
    visit: int
    origin: str
    digest: str
    worker: str
    incarnation: str
    call_id: str | None = None
    lease_until: int | None = None

    @property
    def final(self) -> bool:
        """Whether the record ends its request."""
        return self.kind in TERMINAL

    def encode(self) -> Headers:
        """As Kafka headers."""
        headers = [
            (KIND, self.kind.encode()),
            (HOP, b"%d" % self.hop),
            (VISIT, b"%d" % self.visit),
            (ORIGIN, self.origin.encode()),
            (DIGEST, self.digest.encode()),
            (WORKER, self.worker.encode()),
            (INCARNATION, self.incarnation.encode()),
        ]
        if self.call_id is not None:
            headers.append((CALL_ID, self.call_id.encode()))
        if self.lease_until is not None:
            headers.append((LEASE, b"%d" % self.lease_until))
        return headers

    @classmethod
    def decode(cls, headers: Headers) -> JournalHeaders:
        """From Kafka headers.

        Raises:
            UndecodableError: a header is missing or malformed.
        """
        found = dict(headers)
        try:
            return cls(
                kind=found[KIND].decode(),
                hop=int(found[HOP]),
                visit=int(found[VISIT]),
                origin=found[ORIGIN].decode(),
                digest=found[DIGEST].decode(),
                worker=found[WORKER].decode(),
                incarnation=found[INCARNATION].decode(),
                call_id=found[CALL_ID].decode() if CALL_ID in found else None,
                lease_until=int(found[LEASE]) if LEASE in found else None,
            )
        except (KeyError, ValueError) as error:
            raise UndecodableError(f"not a journal record: header {error}") from None
