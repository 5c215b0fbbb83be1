"""The simulator's ledger: written before the answer, persistent over kills, with its own prices."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from infra.simulator.ledger import Ledger, ServedCall
from infra.simulator.pricing import cost_nano
from infra.simulator.process import simulator_process
from tests.unit.simulator.world import FORMATS, calling, run


def _lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(raw) for raw in path.read_bytes().splitlines()]


@pytest.mark.parametrize("name", FORMATS)
def test_a_served_call_is_in_the_file_before_its_last_byte_is_read(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"

    async def case() -> None:
        async with calling(name, ledger=path) as caller:
            for number in range(5):
                await caller.ask(call_id=f"call-{number}")
                last = _lines(path)[-1]
                assert (last["event"], last["call_id"]) == ("ended", f"call-{number}")
                assert (last["status"], last["client"]) == (200, True)

    run(case())


def test_a_call_is_in_the_file_when_it_arrives_and_ended_when_its_caller_left(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.jsonl"

    async def case() -> None:
        async with calling(ledger=path, latency_ms=60_000) as caller:
            with pytest.raises(httpx.ReadTimeout):
                await caller.http.post(
                    "/v1/chat/completions",
                    json={"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]},
                    timeout=0.05,
                )
            assert _lines(path)[0]["event"] == "arrived"
            await _until_ended(caller.running.ledger)
            ended = _lines(path)[-1]
            # The model had started, so the call is billed, though no client received the answer.
            assert ended["client"] is False
            assert ended["cost_nano"] > 0

    run(case())


async def _until_ended(ledger: Ledger) -> None:
    async with asyncio.timeout(10):
        while ledger.totals()["open"]:  # noqa: ASYNC110 - the server says it to nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", FORMATS)
def test_the_ledger_counts_the_usage_of_the_answer(name: str) -> None:
    async def case() -> None:
        async with calling(name, caches=True) as caller:
            prompt = "many words " * 1_000
            await caller.ask(prompt)
            usage = (await caller.ask(prompt)).json()["usage"]
            line = caller.running.ledger.lines(1)[0]
            if name == "openai":
                reported = (usage["prompt_tokens"], usage["completion_tokens"])
                cached = usage["prompt_tokens_details"]["cached_tokens"]
            else:
                cached = usage["cache_read_input_tokens"]
                reported = (usage["input_tokens"] + cached, usage["output_tokens"])
            assert cached == line["cache_read_tokens"] == 1_024
            assert reported == (line["input_tokens"], line["output_tokens"])
            assert line["cost_nano"] == cost_nano(
                line["model"], fresh=reported[0] - cached, output=reported[1], cache_read=cached
            )

    run(case())


def test_the_ledger_totals_are_by_model_and_status() -> None:
    async def case() -> None:
        async with calling() as caller:
            await caller.ask()
            await caller.ask(model="gpt-4o-mini")
            await caller.ask(model="gpt-4o-mini", temperature=9)
            await caller.ask(model="a-model-without-a-price")
            found = (await caller.http.get("/admin/ledger")).json()
            lines = caller.running.ledger.lines()
            totals = found["totals"]

            assert found.keys() == {"totals"}
            assert (totals["calls"], totals["ended"], totals["open"]) == (4, 4, 0)
            assert totals["statuses"] == {"200": 3, "400": 1}
            assert totals["unpriced"] == 1
            assert totals["cost_nano"] == sum(line.get("cost_nano") or 0 for line in lines)
            assert {model: each["calls"] for model, each in totals["models"].items()} == {
                "gpt-4o": 1,
                "gpt-4o-mini": 2,
                "a-model-without-a-price": 1,
            }
            assert (
                sum(each["cost_nano"] for each in totals["models"].values())
                == (totals["cost_nano"])
            )

            last = (await caller.http.get("/admin/ledger", params={"lines": "3"})).json()["lines"]
            assert last == lines[-3:]
            assert (await caller.http.get("/admin/ledger?lines=0")).json()["lines"] == []
            assert (await caller.http.get("/admin/ledger?lines=x")).status_code == 400

    run(case())


def test_a_ledger_cut_off_by_a_kill_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    with Ledger(path, lambda: 1) as ledger:
        first = ledger.arrived("a", "openai", "gpt-4o")
        ledger.ended(first, status=200, served=ServedCall(input=3, output=4, cost_nano=50))
        ledger.arrived("b", "openai", "gpt-4o")
        before = ledger.totals()
    with path.open("ab") as file:
        file.write(b'{"event": "ended", "num')

    with Ledger(path, lambda: 2) as again:
        assert again.totals() == before
        assert again.totals()["open"] == 1
        third = again.arrived("c", "anthropic", "m")
        assert third.number == 3
        again.ended(third, status=None, fault="hang")
        assert [line["call_id"] for line in again.lines()] == ["a", "a", "b", "c", "c"]


def test_a_killed_process_leaves_its_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    with simulator_process("--latency-ms", "0", "--ledger", str(path)) as address:
        answer = httpx.post(f"{address}/v1/chat/completions", json=body)
        assert answer.status_code == 200
    assert [line["event"] for line in _lines(path)] == ["arrived", "ended"]


def test_a_model_without_a_tariff_has_no_cost() -> None:
    assert cost_nano("unheard-of", fresh=1, output=1) is None
    assert cost_nano("gpt-4o-2024-08-06", fresh=2, output=3, cache_read=4) == (
        2 * 2_500 + 3 * 10_000 + 4 * 1_250
    )
