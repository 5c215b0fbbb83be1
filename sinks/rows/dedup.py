"""Detection of duplicate rows: a second record of the same hop end, final or call.

- A `started` record is never a duplicate: several attempts of one hop are several calls.
- Neither is a record of an unknown kind.
- The end of a hop (`parked`, `escalated` or a terminal one) duplicates another end of the same
  (identity, hop, visit), of any kind: a hop ends once. A parked hop returns as its next visit.
- After the final record of a request every further hop end is a duplicate, also a second final.
- A call duplicates a call with the same id. The real row of a call may follow a row recorded as
  interrupted with unknown cost; the view `spend` shows each call once, with the known cost.

Keys are the first 8 bytes of SHA-256, which ClickHouse computes as well (`COUNTED_KEYS`), so that a
new owner of the partition loads 16 bytes per key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Protocol

from core.dedup_index import KEY_BYTES, RecentKeys
from schemas.encoding.codec import Codec
from schemas.errors import UndecodableError
from schemas.identity import DUPLICATE_WINDOW_MS, identity_key
from schemas.journal_headers import (
    CALL_ID,
    HOP,
    HOP_ENDS,
    KIND,
    TERMINAL,
    VISIT,
    JournalKind,
    count_in,
    header_values,
)
from sinks.rows.log_position import LogRecord

MAX_KEYS = 4_000_000
"""Most keys of one partition; about 100 MB. Beyond it the oldest are dropped early."""


class SeenWindow:
    """The keys seen within a window of broker time; times are ms.

    A key counts as seen for `span_ms` after the record that counted; a duplicate does not extend
    that. The result depends on the log alone. Reading a record again marks the same rows, also if
    the window was filled from the stored counted rows.
    """

    def __init__(self, span_ms: int = DUPLICATE_WINDOW_MS, max_keys: int = MAX_KEYS) -> None:
        self._span_ms = span_ms
        self._max_keys = max_keys
        self._counted = RecentKeys(span_ms)
        self.forgotten_early = 0

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._counted)

    def holds(self, key: bytes, at: int) -> bool:
        """Return whether a record with this key counted at most `span_ms` before `at`."""
        counted_at = self._counted.at(int.from_bytes(key, "big"))
        return counted_at is not None and at - counted_at <= self._span_ms

    def add(self, key: bytes, at: int) -> None:
        """Count a record with this key of at most 8 bytes."""
        self._counted.put(int.from_bytes(key, "big"), at)
        self._counted.forget_before(at - self._span_ms)
        if len(self._counted) > self._max_keys:
            self.forgotten_early += self._counted.forget_oldest()

    def fill(self, counted: Iterable[tuple[bytes, int]]) -> None:
        """Load the keys counted before, oldest first."""
        for key, at in counted:
            self.add(key, at)

    def oldest_first(self) -> list[bytes]:
        """Return the keys, oldest first."""
        return [key.to_bytes(KEY_BYTES, "big") for key, _ in self._counted.oldest_first()]


_KEY_BYTES = 8
_STARTED = JournalKind.STARTED.encode()

COUNTED_KEYS = {
    "outcomes": (
        "substring(SHA256(concat(tenant, '/', request_id, if(final, '', "
        "concat('/', toString(hop), '/', toString(visit))))), 1, 8)",
        f"kind IN ({', '.join(repr(kind.value) for kind in sorted(HOP_ENDS))})",
    ),
    "calls": ("substring(SHA256(call_id), 1, 8)", "1"),
}
"""By table: the key of a counted row as a ClickHouse expression, and the condition for rows with a
key.
"""


class Repeats(Protocol):
    """Detects duplicates and stores counted keys."""

    def mark(self, record: LogRecord, window: SeenWindow) -> int:
        """Return 1 for a duplicate, else 0.

        Raises:
            UndecodableError: the record lacks its identity.
        """
        ...


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()[:_KEY_BYTES]


def mark_hop(
    window: SeenWindow, *, identity: bytes, kind: str, hop: int, visit: int, at: int
) -> int:
    """Return whether a journal record of broker time `at`, ms, is a duplicate: 1 or 0."""
    if kind not in HOP_ENDS:
        return 0
    final = _digest(identity)
    hop_end = _digest(b"%b/%d/%d" % (identity, hop, visit))
    if window.holds(final, at) or window.holds(hop_end, at):
        return 1
    window.add(final if kind in TERMINAL else hop_end, at)
    return 0


def mark_call(window: SeenWindow, *, call_id: bytes, at: int) -> int:
    """Return whether the row of a call, of broker time `at`, ms, is a duplicate: 1 or 0."""
    key = _digest(call_id)
    if window.holds(key, at):
        return 1
    window.add(key, at)
    return 0


class NoRepeats:
    """For tables whose rows are all counted."""

    def mark(self, record: LogRecord, window: SeenWindow) -> int:
        """Return 0."""
        return 0


class HopRepeats:
    """Duplicates of the journal, detected by key and headers, or by the value without headers."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def mark(self, record: LogRecord, window: SeenWindow) -> int:
        """Return 1 for a duplicate end of a hop or a request, else 0."""
        headers = header_values(record.headers)
        try:
            if headers[KIND] == _STARTED:
                return 0
            kind, hop, visit = (
                headers[KIND].decode(),
                count_in(headers, HOP),
                count_in(headers, VISIT),
            )
            identity = record.key
        except (KeyError, ValueError):
            identity = None
        if identity is None:
            event = _decoded(self._codec, record)
            try:
                kind, hop, visit = event["kind"], event["hop"], event["visit"]
                identity = identity_key(event["tenant"], event["request_id"])
            except KeyError as missing:
                raise UndecodableError(f"the journal record lacks {missing}") from None
        return mark_hop(
            window, identity=identity, kind=kind, hop=hop, visit=visit, at=record.timestamp
        )


class CallRepeats:
    """Duplicates of calls, detected by the `call-id` header; by the value if it is missing."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def mark(self, record: LogRecord, window: SeenWindow) -> int:
        """Return 1 for another row of a call, else 0."""
        named = header_values(record.headers).get(CALL_ID)
        if named:
            return mark_call(window, call_id=named, at=record.timestamp)
        call_id = _decoded(self._codec, record).get("call_id")
        if not isinstance(call_id, str):
            raise UndecodableError("the cost event lacks its call id")
        return mark_call(window, call_id=call_id.encode(), at=record.timestamp)


def _decoded(codec: Codec, record: LogRecord) -> Mapping[str, Any]:
    return codec.decode(record.value or b"")
