"""Reconciliation: requests sent, replies received, rows in ClickHouse, and calls served by the
simulator. Every figure that should be zero is named by what it would mean.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fixtures.services import run_sql

TABLES = ("calls", "quality", "outcomes")
CUT_OFF = frozenset({"interrupted", "timeout", "connection"})
"""How a call may end that its provider knows another end of, or never saw."""


_AS_JSON = (
    "SETTINGS output_format_json_quote_decimals = 1, output_format_json_quote_64bit_integers = 0 "
    "FORMAT JSONCompact"
)


def rows(url: str, query: str) -> list[list[Any]]:
    """A query's rows; decimals are text."""
    answer = run_sql(url, f"{query} {_AS_JSON}")
    data = json.loads(answer)["data"]
    return [list(row) for row in data]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A call as the simulator served it; `cost_nano` is `None` when it never ended."""

    call_id: str
    status: int | None
    cost_nano: int | None


def read_ledger(path: Path) -> dict[str, Served]:
    """Every call that reached the simulator, by call id."""
    calls: dict[str, Served] = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry.get("call_id"):
            calls[entry["call_id"]] = Served(
                call_id=entry["call_id"],
                status=entry.get("status"),
                cost_nano=entry.get("cost_nano"),
            )
    return calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The reconciliation of a run. All but the first block must be zero."""

    sent: int
    answered: int
    repeated_replies: int
    calls: int
    interrupted: int
    cost_nano: int
    recovered_s: float

    lost: int
    without_outcome: int
    counted_twice: int
    stored_twice: int
    missing_calls: int
    unknown_calls: int
    wrong_money: int

    @property
    def balanced(self) -> bool:
        """Whether nothing was lost, duplicated or paid without being booked."""
        return not any(
            (
                self.lost,
                self.without_outcome,
                self.counted_twice,
                self.stored_twice,
                self.missing_calls,
                self.unknown_calls,
                self.wrong_money,
            )
        )

    def as_document(self) -> dict[str, Any]:
        return {**asdict(self), "balanced": self.balanced}


def settle(url: str, sent: Collection[str], ledger: Path, timeout_s: float) -> float:
    """Wait until ClickHouse has an outcome of each request and a row of each served call, or time
    is over; how long that took, s."""
    begun = time.monotonic()
    while time.monotonic() - begun < timeout_s:
        ended = {row[0] for row in rows(url, _FINALS)}
        booked = {row[0] for row in rows(url, "SELECT DISTINCT call_id FROM sluice.calls")}
        if ended >= set(sent) and booked >= set(read_ledger(ledger)):
            break
        time.sleep(0.5)
    return time.monotonic() - begun


_CALLS_OF_REQUESTS = "SELECT DISTINCT call_id, status, request_id FROM sluice.calls"
"""Those of requests that were not sent here are another test's: a shared pipeline has many."""

_FINALS = "SELECT request_id, count() FROM sluice.outcomes WHERE final AND repeat = 0 GROUP BY 1"


def reconcile(
    url: str,
    sent: Collection[str],
    replies: dict[str, list[dict[str, Any]]],
    ledger: Path,
    recovered_s: float = 0.0,
) -> Books:
    """Compare all sources with each other.

    Calls may continue meanwhile, for example a shadow call after its reply. So the ledger is read
    twice: calls in it before the rows were read must be booked, and booked calls must be in it
    afterwards.
    """
    served_before = read_ledger(ledger)
    booked = _booked(url)
    stored = rows(url, _CALLS_OF_REQUESTS)
    served = read_ledger(ledger)
    unknown = sorted(
        f"{call_id} {status}"
        for call_id, status, request_id in stored
        if request_id in sent and call_id not in served and status not in CUT_OFF
    )
    ends = {row[0]: int(row[1]) for row in rows(url, _FINALS)}
    calls_counted = rows(
        url, "SELECT call_id FROM sluice.calls WHERE repeat = 0 GROUP BY 1 HAVING count() > 1"
    )
    return Books(
        sent=len(sent),
        answered=sum(1 for key in sent if key in replies),
        repeated_replies=sum(len(several) - 1 for several in replies.values()),
        calls=len(booked),
        interrupted=sum(1 for status, _ in booked.values() if status == "interrupted"),
        cost_nano=sum(cost for _, cost in booked.values() if cost is not None),
        recovered_s=recovered_s,
        lost=sum(1 for key in sent if key not in replies),
        without_outcome=sum(1 for key in sent if key not in ends),
        counted_twice=sum(1 for key in sent if ends.get(key, 0) > 1) + len(calls_counted),
        stored_twice=sum(_stored_twice(url, table) for table in TABLES),
        missing_calls=sum(1 for call in served_before if call not in booked),
        unknown_calls=len(unknown),
        wrong_money=sum(1 for call in _wrongly_priced(booked, served)),
    )


def _booked(url: str) -> dict[str, tuple[str, int | None]]:
    """Status and cost, nano-USD, of each call; a row with a cost takes precedence."""
    booked: dict[str, tuple[str, int | None]] = {}
    for call_id, status, cost in rows(
        url, "SELECT call_id, status, cost FROM sluice.calls ORDER BY cost IS NULL DESC"
    ):
        nano = None if cost is None else int(Decimal(cost) * 1_000_000_000)
        booked[call_id] = (status, nano)
    return booked


def _wrongly_priced(
    booked: dict[str, tuple[str, int | None]], served: dict[str, Served]
) -> Iterable[str]:
    for call, (status, nano) in booked.items():
        witness = served.get(call)
        if witness is None or status in CUT_OFF:
            continue
        if nano != witness.cost_nano:
            yield call


def _stored_twice(url: str, table: str) -> int:
    query = f"SELECT count() - uniqExact(topic, partition, offset) FROM sluice.{table}"
    return int(rows(url, query)[0][0])
