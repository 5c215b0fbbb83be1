"""A run from its parameters to its closing record: read, decide, publish, summarize.

Invariants: a row is on the log before its piece counts as finished. A repeated run only does what
is missing. Requests that the log no longer holds are counted and reported.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra.replays.recorded_rows import recorded_of
from infra.replays.rows_ahead import Row, RowsAhead
from schemas.errors import InvalidRequestError, UndecodableError
from schemas.gateway.cancellation import is_cancellation
from streams.offline.replay.decisions.recorded import Recorded
from streams.offline.replay.publishing import Rows
from streams.offline.replay.replaying import ReadRequest, Replayer
from streams.offline.replay.request_log import RequestLog
from streams.offline.replay.row_bytes import RowBytes
from streams.offline.replay.rows import Replayed
from streams.offline.replay.run_spec import OffsetSpan, RunSpec
from streams.routing.decision import CODE_VERSION

GC_THRESHOLD = 200_000

Places = Set[tuple[str, int, int]]


class RowSource(Protocol):
    """ClickHouse queries of a run."""

    def rows(self, name: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Return rows of a statement of `sinks/replay`."""
        ...


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of a run's offsets: `decided` now, `before` in an earlier attempt at the same run.

    `gone`: the tables have the request, the log does not. `open`: the log has it, and the tables
    have no outcome (yet). `undecided`: it was refused, or over, before a decision. `unreadable`:
    its bytes are no request, or one that is refused now. `old`: its decision recorded no inputs.
    `other_code` counts the replayed requests that another version of the routing code decided, by
    version: their decisions may differ because the code does.
    """

    decided: int = 0
    before: int = 0
    gone: int = 0
    open: int = 0
    undecided: int = 0
    unreadable: int = 0
    old: int = 0
    other_code: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        """Return the sum of both."""
        return Tally(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        )

    def as_document(self) -> dict[str, Any]:
        """Return the counts by name."""
        return {name: getattr(self, name) for name in self.__slots__}


class _ByOffset:
    """Rows in ascending order, looked up by ascending offsets; one is held at a time. `gone` counts
    those before the log's `first` offset.
    """

    def __init__(self, rows: Iterator[Row], first: int) -> None:
        self._rows = rows
        self._first = first
        self._next = next(rows, None)
        self.gone = 0

    def at(self, offset: int) -> Row | None:
        """Return the row of this offset, if any."""
        while self._next is not None and self._next["source_offset"] < offset:
            self._pass()
        found = self._next
        return found if found is not None and found["source_offset"] == offset else None

    def finish(self) -> None:
        """Skip the rest."""
        while self._next is not None:
            self._pass()

    def _pass(self) -> None:
        if self._next is not None:
            self.gone += self._next["source_offset"] < self._first
        self._next = next(self._rows, None)


@dataclass(slots=True, kw_only=True)
class Runner:
    """Runs a spec, or its `own` pieces; `on_piece` is called after each that is on the log."""

    spec: RunSpec
    log: RequestLog
    tables: RowSource
    rows: Rows
    replayer: Replayer
    read: ReadRequest
    done: Places
    own: Iterable[OffsetSpan] | None = None
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000)
    on_piece: Callable[[], None] = lambda: None
    tally: Tally = field(default_factory=Tally)
    run_id: str = field(init=False)
    _bytes: RowBytes = field(init=False)

    def __post_init__(self) -> None:
        self.run_id = self.spec.run_id
        self._bytes = RowBytes(self.run_id)

    def run(self) -> Tally:
        """Run everything that is missing.

        Raises:
            RequestLogUnavailableError, DeliveryError: Kafka does not respond.
            SinkError: ClickHouse does not respond.
        """
        # Rows are many and never in cycles: garbage collection over them is a fifth of the time.
        gc.set_threshold(GC_THRESHOLD)
        pieces = self.spec.pieces if self.own is None else self.own
        with RowsAhead(pieces, self._recorded) as ahead:
            for piece, known in ahead:
                self._piece(piece, known)
                self.on_piece()
        return self.tally

    def _piece(self, piece: OffsetSpan, known: Iterator[Row]) -> None:
        first = self.log.held(piece).first
        unfiltered = self.spec.tenant is None and self.spec.feature is None
        at = self.now_ms()
        rows = _ByOffset(known, first)
        for logged in self.log.read(piece):
            if not self.spec.takes(piece.topic, piece.partition, logged.offset):
                continue
            row = rows.at(logged.offset)
            if row is None or row["asked_at"] != logged.timestamp:
                self.tally.open += unfiltered and not is_cancellation(logged.value)
                continue
            if row["code_version"] not in {CODE_VERSION, ""}:
                self.tally.other_code[row["code_version"]] += 1
            if (piece.topic, piece.partition, logged.offset) in self.done:
                self.tally.before += 1
                continue
            replayed = self._again(recorded_of(row, piece), logged.value)
            if replayed is not None:
                value = self._bytes.encode(replayed, at)
                self.rows.put(self.run_id, replayed.recorded.request_id, value)
                self.tally.decided += 1
        rows.finish()
        self.tally.gone += rows.gone
        self.rows.flush()

    def _recorded(self, piece: OffsetSpan) -> Iterator[Row]:
        """Yield the recorded decisions of a piece, by ascending offset."""
        return self.tables.rows(
            "requests",
            topic=piece.topic,
            partition=piece.partition,
            first=piece.first,
            end=piece.end,
            tenant=self.spec.tenant or "",
            feature=self.spec.feature or "",
        )

    def _again(self, recorded: Recorded, value: bytes | None) -> Replayed | None:
        if not recorded.was_decided:
            self.tally.undecided += 1
            return None
        try:
            request = self.read(value or b"")
        except (UndecodableError, InvalidRequestError):
            self.tally.unreadable += 1
            return None
        try:
            return self.replayer.replay(recorded, request)
        except KeyError:
            self.tally.old += 1
            return None
