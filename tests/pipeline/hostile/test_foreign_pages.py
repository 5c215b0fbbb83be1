"""A web page of another origin reads nothing of any local port, and writes nothing there."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from infra.devstack.processes.probes import without_secrets
from tests.fixtures.services import run_sql
from tests.rig.hostile.browser import CHROMIUM, FOREIGN_HOST, what_a_page_sees
from tests.rig.stack import Stack

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

FORGED = "forged_by_a_page"
CHAT = '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}'


def _tries(pipeline: Stack, private: Path) -> list[dict[str, Any]]:
    """Requests that would read or change something, each under both names of the machine."""
    clickhouse = without_secrets(pipeline.clickhouse_url)
    create = f"CREATE TABLE {FORGED} (n Int8) ENGINE = Memory"
    secret = quote(f"SELECT * FROM file('{private}', 'LineAsString')")
    wanted: list[tuple[str, str, str | None]] = [
        (f"{clickhouse}/?query=SELECT+1", "GET", None),
        (f"{clickhouse}/?query={secret}", "GET", None),
        (f"{clickhouse}/?user=default&password=", "POST", create),
        (f"{clickhouse}/?user=sluice", "POST", create),
        (f"{pipeline.simulator_url}/v1/chat/completions", "POST", CHAT),
        (f"{pipeline.simulator_url}/admin/faults", "GET", None),
        (f"{pipeline.simulator_url}/admin/faults", "PUT", '{"faults": [{"kind": "hang"}]}'),
        (f"{pipeline.simulator_url}/admin/faults", "POST", '{"faults": [{"kind": "hang"}]}'),
        *(
            (f"{pipeline.page_url(part)}/{page}", method, None)
            for part in ("worker-1", "sink-1")
            for page in ("health", "metrics")
            for method in ("GET", "POST")
        ),
    ]
    return [
        {"url": url.replace("127.0.0.1", name), "method": method, "body": body, "type": kind}
        for url, method, body in wanted
        for name in ("127.0.0.1", FOREIGN_HOST)
        for kind in (("text/plain", "application/json") if body else (None,))
    ]


def _calls_without_an_id(pipeline: Stack) -> int:
    """Calls in the simulator's ledger that no worker made."""
    return pipeline.ledger.read_text().count('"call_id":null')


def test_a_page_reads_nothing_and_writes_nothing(pipeline: Stack, tmp_path: Path) -> None:
    private = tmp_path / "private.txt"
    private.write_text("a private line")
    tables = run_sql(pipeline.clickhouse_url, "SHOW TABLES FROM default")
    faults = httpx.get(f"{pipeline.simulator_url}/admin/faults").text
    calls = _calls_without_an_id(pipeline)
    tries = _tries(pipeline, private)

    seen = what_a_page_sees(tries)

    assert len(seen) == 2 * len(tries)
    read = [each for each in seen if each.get("text")]
    assert read == []
    # Requests that need no preflight reach each server; what the page gets of the answer is opaque.
    assert {each["type"] for each in seen if "type" in each} == {"opaque"}
    reached = {urlsplit(each["url"]).port for each in seen if "type" in each}
    assert reached == {urlsplit(each["url"]).port for each in tries}
    assert run_sql(pipeline.clickhouse_url, "SHOW TABLES FROM default") == tables
    assert run_sql(pipeline.clickhouse_url, f"EXISTS TABLE {FORGED}").strip() == "0"
    assert httpx.get(f"{pipeline.simulator_url}/admin/faults").text == faults
    assert _calls_without_an_id(pipeline) == calls


@pytest.mark.parametrize("part", ["clickhouse", "simulator", "worker-1", "sink-1"])
def test_a_name_that_was_bound_to_loopback_later_gets_nothing(pipeline: Stack, part: str) -> None:
    """To the browser such a page is of the same origin: it sends no `Origin`, and may read all."""
    address, page = {
        "clickhouse": (without_secrets(pipeline.clickhouse_url), "/?query=SELECT+1"),
        "simulator": (pipeline.simulator_url, "/admin/faults"),
        "worker-1": (pipeline.page_url("worker-1"), "/health"),
        "sink-1": (pipeline.page_url("sink-1"), "/health"),
    }[part]
    rebound = {"host": f"{FOREIGN_HOST}:{urlsplit(address).port}"}

    answer = httpx.get(f"{address}{page}", headers=rebound)

    assert answer.status_code in {401, 403, 404}
    assert answer.text.strip() != "1"
