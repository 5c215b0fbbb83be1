"""Routing that calls models itself: every such call is served, booked and paid once."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from infra.devstack.registry import local_registry
from infra.workload.sample import load_workload
from streams.client.client import SluiceClient
from streams.client.settings import ClientSettings
from streams.registry.publishing import move_pointer, publish_version
from streams.registry.version import RegistryVersion, parse_registry
from tests.rig.observed.books import Books, reconcile, rows, settle
from tests.rig.observed.hot_registry import idle, uses
from tests.rig.stack import Stack

ASKING = """policy:
  classifier: hybrid
  hybrid: {asks: llm, margin: 0.2}
  llm: {model: gpt-4o-mini}
  judge: {model: gpt-4o}
  shadow: {share: 0.5, usd_per_day: 1000000}
"""
GREY = "    confidence: checks\n    grey: {low: 0.3, high: 1.0}\n"
TRIED = """experiments:
  no-cascade:
    arms: {control: {}, alone: {policy: {cascade: {enabled: false}}}}
"""
SECONDS = 60


def asking(pipeline: Stack) -> RegistryVersion:
    text = local_registry(pipeline.simulator_url)
    text = text.replace("policy:\n  classifier: rules\n", ASKING)
    return parse_registry(text.replace("    confidence: checks\n", GREY) + TRIED)


@pytest.fixture(scope="module")
def run(pipeline: Stack) -> tuple[str, dict[str, dict[str, Any]], Books]:
    """The workload under that registry: its tenant, the replies, the reconciliation."""
    kafka = {"bootstrap_servers": pipeline.bootstrap}
    first = parse_registry(local_registry(pipeline.simulator_url))
    tenant = uuid.uuid4().hex[:6]
    requests = [
        {
            **item.request,
            "request_id": f"{tenant}-{item.id}",
            "tenant": tenant,
            "user_id": f"user-{number}",
        }
        for number, item in enumerate(load_workload())
    ]
    replies: dict[str, dict[str, Any]] = {}

    async def send() -> None:
        async with SluiceClient(ClientSettings(bootstrap_servers=pipeline.bootstrap)) as client:
            async for outcome in client.ask_many(requests, in_flight=16, timeout_s=SECONDS):
                answer = outcome.answer()
                replies[answer.reply.request_id] = answer.document

    async def scenario() -> None:
        version = asking(pipeline)
        await publish_version(kafka, version, by="test")
        await uses(pipeline, version.hash)
        try:
            await send()
            await idle(pipeline)
        finally:
            await move_pointer(kafka, first.hash, by="test")
            await uses(pipeline, first.hash)

    asyncio.run(scenario())
    url, ledger = pipeline.clickhouse_url, pipeline.ledger
    settle(url, list(replies), ledger, SECONDS)
    books = reconcile(url, list(replies), {key: [one] for key, one in replies.items()}, ledger)
    return tenant, replies, books


Run = tuple[str, dict[str, dict[str, Any]], Books]


def test_recorded_calls_balance_with_the_simulator_s_ledger(run: Run) -> None:
    _, replies, books = run

    assert books.balanced, books
    assert {reply["status"] for reply in replies.values()} == {"replied"}


def test_calls_of_every_purpose_have_rows(pipeline: Stack, run: Run) -> None:
    found = dict(
        rows(
            pipeline.clickhouse_url,
            f"SELECT purpose, count() FROM sluice.calls WHERE tenant = '{run[0]}' GROUP BY 1",
        )
    )
    assert found.keys() == {"answer", "classify", "judge", "shadow"}


def test_a_sender_pays_for_all_calls_before_the_reply_and_for_no_shadow(
    pipeline: Stack, run: Run
) -> None:
    tenant, replies, _ = run
    spent = rows(
        pipeline.clickhouse_url,
        "SELECT request_id, sum(cost) FROM sluice.calls "
        f"WHERE tenant = '{tenant}' AND propensity IS NULL GROUP BY 1",
    )
    paid = {key: round(reply["cost_usd"] * 1e9) for key, reply in replies.items()}
    assert {key: int(Decimal(cost) * 1_000_000_000) for key, cost in spent} == paid


def test_calls_that_were_drawn_carry_their_probability(pipeline: Stack, run: Run) -> None:
    found = rows(
        pipeline.clickhouse_url,
        "SELECT purpose, arraySort(groupUniqArray(propensity)) FROM sluice.calls "
        f"WHERE tenant = '{run[0]}' GROUP BY 1 ORDER BY 1",
    )
    assert found == [["answer", []], ["classify", []], ["judge", [0.25]], ["shadow", [0.25]]]


def test_a_shadow_answer_is_compared_with_the_sent_one(pipeline: Stack, run: Run) -> None:
    shadows, agreed, judged = rows(
        pipeline.clickhouse_url,
        f"""SELECT countIf(purpose = 'shadow' AND status = 'ok'),
            (SELECT count() FROM sluice.quality
             WHERE tenant = '{run[0]}' AND signal = 'agreement'),
            (SELECT count() FROM sluice.quality WHERE tenant = '{run[0]}' AND signal = 'judge'
             AND call_id IN (SELECT call_id FROM sluice.calls WHERE purpose = 'shadow'))
            FROM sluice.calls WHERE tenant = '{run[0]}'""",
    )[0]
    assert shadows == agreed == judged > 0


def test_both_arms_are_in_the_replies_and_in_the_tables(pipeline: Stack, run: Run) -> None:
    tenant, replies, _ = run
    replied_arms = Counter(reply["routing"]["arm"] or "" for reply in replies.values())
    stored = rows(
        pipeline.clickhouse_url,
        f"SELECT arm, count() FROM sluice.requests WHERE tenant = '{tenant}' GROUP BY 1",
    )
    assert dict(stored) == replied_arms
    assert {"control", "alone"} <= replied_arms.keys()
    alone = [each for each in replies.values() if each["routing"]["arm"] == "alone"]
    assert all(len(reply["tiers_tried"]) == 1 for reply in alone)
