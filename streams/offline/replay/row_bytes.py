"""Hand-written Avro encoding of rows: the same bytes as the codec's, in a quarter of its time.

Most texts of a row are names that recur in later rows, so their encodings are cached. A test
compares both encodings byte by byte (`tests/unit/offline/replay`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from schemas.encoding.avro_bytes import long_bytes
from schemas.encoding.codec import single_object_header
from schemas.records import Decision
from streams.offline.replay.rows import DECISION, LAST_MARK, Replayed

_NULL, _THERE = b"\x00", b"\x02"
_TRUE, _FALSE = b"\x02\x01", b"\x02\x00"
_DOUBLE = struct.Struct("<d").pack
_REMEMBERED = 65_536
_LONGEST = 256
"""Maximum length of a cached text, in characters."""


class RowBytes:
    """Encodes the rows of one run."""

    def __init__(self, run_id: str) -> None:
        opening = single_object_header("ReplayDecision")
        self._known: dict[str, bytes] = {}
        self._opening = opening + self._text(run_id) + self._text(DECISION)

    def encode(self, row: Replayed, at: int) -> bytes:
        """Encode a row for the replay topic; `at` is ms."""
        recorded, decision, text = row.recorded, row.again.decision, self._text
        old, source = recorded.decision, recorded.source
        models = [step.model for step in row.way]
        marks = [
            LAST_MARK if step.goes_on_below is None else step.goes_on_below for step in row.way
        ]
        return b"".join((
            self._opening, long_bytes(at), text(recorded.tenant), _fresh(recorded.request_id),
            _THERE, text(source.topic), long_bytes(source.partition), long_bytes(source.offset),
            long_bytes(source.timestamp), text(recorded.user_id or ""),
            text(recorded.user_tier or ""), text(recorded.feature or ""),
            text(row.again.how.value), _TRUE if row.is_same else _FALSE, text(old.tier),
            text(row.before[0].model if row.before else ""), _maybe_double(old.score),
            text(old.registry_version),
            _NULL if decision is None else self._decision(decision),
            text(models[0] if models else ""), self._texts(models), _doubles(marks),
            _maybe_double(row.difficulty), _THERE, long_bytes(row.wants.tokens),
            self._texts(list(row.chances)), _doubles(list(row.chances.values())),
            text(row.again.refusal or ""), text(""),
        ))  # fmt: skip

    def _decision(self, decision: Decision) -> bytes:
        text, maybe = self._text, self._maybe_text
        return b"".join((
            _THERE, text(decision.classifier), _maybe_double(decision.score),
            text(decision.tier), maybe(decision.model), self._texts(decision.reasons),
            text(decision.registry_version), text(decision.code_version),
            maybe(decision.artifact), maybe(decision.experiment), maybe(decision.arm),
            _maybe_double(decision.propensity), _fresh(decision.inputs),
        ))  # fmt: skip

    def _text(self, value: str) -> bytes:
        found = self._known.get(value)
        if found is not None:
            return found
        found = _fresh(value)
        if len(value) <= _LONGEST:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[value] = found
        return found

    def _maybe_text(self, value: str | None) -> bytes:
        return _NULL if value is None else _THERE + self._text(value)

    def _texts(self, values: Sequence[str]) -> bytes:
        if not values:
            return _NULL
        return b"".join((long_bytes(len(values)), *map(self._text, values), _NULL))


def _fresh(value: str) -> bytes:
    data = value.encode()
    return long_bytes(len(data)) + data


def _maybe_double(value: float | None) -> bytes:
    return _NULL if value is None else _THERE + _DOUBLE(value)


def _doubles(values: Sequence[float]) -> bytes:
    if not values:
        return _NULL
    return b"".join((long_bytes(len(values)), *map(_DOUBLE, values), _NULL))
