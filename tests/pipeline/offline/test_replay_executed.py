"""`sluice replay run --execute` over real HTTP: its calls, cost and bookings, and nothing else."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.cli.offline.replay import command
from infra.cli.output.errors import report_faults
from infra.devstack.registry import local_registry
from streams.client.client import SluiceClient
from streams.client.settings import ClientSettings
from tests.rig.observed.books import read_ledger, rows, settle
from tests.rig.stack import Stack

REQUESTS = 12
SECONDS = 60
STRONG = ("boundaries: [0.16, 0.5]", "boundaries: [0.0001, 0.0002]\n  judge: {model: gpt-4o}")


@dataclass
class Executed:
    """Answered requests of one tenant, and a registry to call models again under."""

    pipeline: Stack
    tenant: str
    registry: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, usd: str) -> dict[str, Any]:
        given = ["--since=1h", f"--tenant={self.tenant}", f"--registry={self.registry}"]
        status = report_faults(command, ["run", *given, "--execute", f"--max-usd={usd}", "--json"])
        printed = self.capsys.readouterr()
        assert status == 0, printed.err
        found: dict[str, Any] = json.loads(printed.out)
        return found

    def booked(self) -> list[list[Any]]:
        return rows(
            self.pipeline.clickhouse_url,
            "SELECT call_id, cost FROM sluice.spend "
            f"WHERE tenant = '{self.tenant}' AND purpose = 'replay'",
        )


@pytest.fixture
def executed(
    pipeline: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Executed:
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", pipeline.bootstrap)
    monkeypatch.setenv("SLUICE_CLICKHOUSE_URL", pipeline.clickhouse_url)
    tenant = uuid.uuid4().hex[:6]
    requests = [
        {"request_id": f"{tenant}-{number}", "tenant": tenant, "prompt": f"What is {number} + 1?"}
        for number in range(REQUESTS)
    ]
    replied: list[str] = []

    async def send() -> None:
        async with SluiceClient(ClientSettings(bootstrap_servers=pipeline.bootstrap)) as client:
            outcomes = client.ask_many(requests, in_flight=16, timeout_s=SECONDS)
            replied.extend([each.answer().reply.request_id async for each in outcomes])

    asyncio.run(send())
    settle(pipeline.clickhouse_url, replied, pipeline.ledger, SECONDS)
    registry = tmp_path / "strong.yaml"
    registry.write_text(local_registry(pipeline.simulator_url).replace(*STRONG))
    return Executed(pipeline, tenant, registry, capsys)


def test_every_request_is_called_once_judged_and_recorded_exactly(executed: Executed) -> None:
    found = executed.run("5")["executed"]

    assert (found["answered"], found["calls"]) == (REQUESTS, 2 * REQUESTS)
    assert found["judged"] == REQUESTS
    settle(executed.pipeline.clickhouse_url, [], executed.pipeline.ledger, SECONDS)
    served, booked = read_ledger(executed.pipeline.ledger), executed.booked()
    assert len(booked) == 2 * REQUESTS
    costs = {call_id: Decimal(cost) for call_id, cost in booked}
    assert {call_id: served[call_id].cost_nano for call_id in costs} == {
        call_id: int(cost * 1_000_000_000) for call_id, cost in costs.items()
    }
    assert float(sum(costs.values())) == pytest.approx(found["spent_usd"])


def test_the_budget_ends_it_before_the_call_that_would_exceed_it(executed: Executed) -> None:
    found = executed.run("0.1")["executed"]

    assert found["not_asked_for_want_of_budget"] > 0
    assert 0 < found["spent_usd"] <= 0.1


def test_no_request_gets_a_second_reply_or_outcome(executed: Executed) -> None:
    executed.run("5")
    settle(executed.pipeline.clickhouse_url, [], executed.pipeline.ledger, SECONDS)
    finals = rows(
        executed.pipeline.clickhouse_url,
        f"SELECT count() FROM sluice.outcomes WHERE tenant = '{executed.tenant}' AND final",
    )
    assert int(finals[0][0]) == REQUESTS
