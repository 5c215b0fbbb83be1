"""`/admin`: steer the simulator while it runs, and read its books.

| path | does |
|---|---|
| `GET /admin/health` | `{"healthy": true, "calls": N}` |
| `GET, PUT, DELETE /admin/faults` | `{"faults": [...]}`: show, replace all, switch off |
| `GET, PUT, DELETE /admin/latency` | `{"<model>" or "*": {"median_ms": M, "p95_ms": P}}` |
| `GET /admin/ledger` | `{"totals": {...}}`: calls, by status, by model, tokens, nano-USD |
| `GET /admin/ledger?lines=N` | the last N lines beside them |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from infra.simulator.faults import FaultTable, fault_from
from infra.simulator.latency import LatencyTable, latency_from
from infra.simulator.ledger import Ledger
from infra.simulator.wire import respond


class Admin:
    """The admin routes."""

    def __init__(self, faults: FaultTable, latency: LatencyTable, ledger: Ledger) -> None:
        self._faults = faults
        self._latency = latency
        self._ledger = ledger

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Handle one admin request; an invalid one gets 400 with the reason."""
        name = request.path.removeprefix("/admin/")
        raw = await request.read() if request.method == "PUT" else b""
        try:
            found = self._answer(request.method, name, raw, request.query)
        except (ValueError, TypeError) as error:
            return respond(400, orjson.dumps({"error": str(error)}))
        if found is None:
            return respond(404, orjson.dumps({"error": f"no {request.method} {request.path}"}))
        return respond(200, orjson.dumps(found))

    def _answer(
        self, method: str, name: str, raw: bytes, query: Mapping[str, str]
    ) -> dict[str, Any] | None:
        if name == "faults":
            return self._steer_faults(method, raw)
        if name == "latency":
            return self._steer_latency(method, raw)
        if method == "GET" and name == "health":
            return {"healthy": True, "calls": self._ledger.totals()["calls"]}
        if method == "GET" and name == "ledger":
            return self._books(query)
        return None

    def _books(self, query: Mapping[str, str]) -> dict[str, Any]:
        totals = self._ledger.totals()
        if "lines" not in query:
            return {"totals": totals}
        return {"totals": totals, "lines": self._ledger.lines(max(int(query["lines"]), 0))}

    def _steer_faults(self, method: str, raw: bytes) -> dict[str, Any]:
        if method == "PUT":
            given = _object(raw).get("faults")
            if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
                raise ValueError('the body must be {"faults": [{"kind": ...}, ...]}')
            self._faults.replace([fault_from(each) for each in given])
        elif method == "DELETE":
            self._faults.replace(())
        return {"faults": [asdict(fault) for fault in self._faults.faults]}

    def _steer_latency(self, method: str, raw: bytes) -> dict[str, Any]:
        if method == "PUT":
            given = _object(raw)
            if not all(isinstance(each, dict) for each in given.values()):
                raise ValueError('the body must be {"<model>": {"median_ms": ...}, ...}')
            self._latency.table = {model: latency_from(each) for model, each in given.items()}
        elif method == "DELETE":
            self._latency.table = {}
        return {model: asdict(latency) for model, latency in self._latency.table.items()}


def _object(raw: bytes) -> dict[str, Any]:
    document = orjson.loads(raw)
    if not isinstance(document, dict):
        raise TypeError("the body must be a JSON object")
    return document
