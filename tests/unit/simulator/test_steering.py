"""Faults and latencies are switched at run time, and randomness is reproducible."""

from __future__ import annotations

from statistics import quantiles
from typing import Any

import httpx
import pytest

from infra.simulator.draws import Chance
from infra.simulator.faults import KINDS, FaultTable, InjectedFault, fault_from
from infra.simulator.latency import Latency, LatencyTable
from tests.unit.simulator.world import FORMATS, Caller, calling, run


async def _switch(caller: Caller, *faults: dict[str, Any]) -> None:
    answer = await caller.http.put("/admin/faults", json={"faults": list(faults)})
    assert answer.status_code == 200, answer.text


STATUSES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "status": ({"kind": "status", "status": 502}, {"openai": 502, "anthropic": 502}),
    "rate_limit": ({"kind": "rate_limit"}, {"openai": 429, "anthropic": 429}),
    "overloaded": ({"kind": "overloaded"}, {"openai": 503, "anthropic": 529}),
    "content_filter": ({"kind": "content_filter"}, {"openai": 400, "anthropic": 400}),
    "context_length": ({"kind": "context_length"}, {"openai": 400, "anthropic": 400}),
    "redirect": ({"kind": "redirect"}, {"openai": 307, "anthropic": 307}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_faults_are_set_over_http_and_cost_nothing_without_a_call(
    name: str,
) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            for kind, (fault, wanted) in STATUSES.items():
                await _switch(caller, fault)
                assert (await caller.ask()).status_code == wanted[name], kind
                line = caller.running.ledger.lines(1)[0]
                assert (line["fault"], line["status"]) == (kind, wanted[name])
                assert line["cost_nano"] == 0
            assert (await caller.http.delete("/admin/faults")).json() == {"faults": []}
            assert (await caller.ask()).status_code == 200

    run(case())


def test_a_rate_limit_names_its_pause() -> None:
    async def case() -> None:
        async with calling() as caller:
            await _switch(caller, {"kind": "rate_limit"})
            assert (await caller.ask()).headers["retry-after"] == "1"
            await _switch(caller, {"kind": "rate_limit", "retry_after_s": 2.5})
            assert (await caller.ask()).headers["retry-after"] == "2.5"
            await _switch(caller, {"kind": "status", "status": 503, "retry_after_s": 9})
            assert (await caller.ask()).headers["retry-after"] == "9"

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_answers_corrupted_in_transit_are_billed(name: str) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            await _switch(caller, {"kind": "cut"})
            with pytest.raises(httpx.RemoteProtocolError):
                await caller.ask()
            await _switch(caller, {"kind": "bad_json"})
            spoilt = await caller.ask()
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                spoilt.json()
            await _switch(caller, {"kind": "giant", "bytes": 100_000})
            assert len((await caller.ask()).content) >= 100_000

            assert caller.running.ledger.totals()["statuses"] == {"200": 3}
            assert all(
                line["cost_nano"] > 0
                for line in caller.running.ledger.lines()
                if line["event"] == "ended"
            )

    run(case())


def test_a_connection_is_ended_without_an_answer_and_a_call_hangs_until_its_caller_leaves() -> None:
    async def case() -> None:
        async with calling() as caller:
            await _switch(caller, {"kind": "disconnect"})
            with pytest.raises(httpx.RemoteProtocolError):
                await caller.ask()
            caller.http.timeout = httpx.Timeout(0.05)
            await caller.http.put("/admin/faults", json={"faults": [{"kind": "hang"}]}, timeout=20)
            with pytest.raises(httpx.ReadTimeout):
                await caller.ask()
        lines = [line for line in caller.running.ledger.lines() if line["event"] == "ended"]
        assert [(line["status"], line["fault"]) for line in lines] == [
            (None, "disconnect"),
            (None, "hang"),
        ]

    run(case())


def test_a_fault_applies_to_one_model_a_given_number_of_times() -> None:
    async def case() -> None:
        async with calling() as caller:
            await _switch(caller, {"kind": "status", "model": "gpt-4o", "times": 2})
            assert (await caller.ask(model="gpt-4o-mini")).status_code == 200
            found = [(await caller.ask()).status_code for _ in range(4)]
            assert found == [500, 500, 200, 200]

    run(case())


def test_a_share_of_the_calls_is_struck_and_the_same_ones_again() -> None:
    def struck(seed: int) -> list[bool]:
        table = FaultTable(Chance(seed))
        table.replace([InjectedFault(kind="status", rate=0.3)])
        return [table.strike("m", f"call-{number}") is not None for number in range(2_000)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 0.25 < sum(struck(1)) / 2_000 < 0.35


WRONG: dict[str, Any] = {
    "not JSON": b"{",
    "a list": [],
    "no faults": {},
    "faults that are none": {"faults": ["hang"]},
    "an unknown kind": {"faults": [{"kind": "earthquake"}]},
    "an unknown field": {"faults": [{"kind": "hang", "colour": "red"}]},
    "a rate above one": {"faults": [{"kind": "hang", "rate": 2}]},
    "a negative pause": {"faults": [{"kind": "rate_limit", "retry_after_s": -1}]},
    "half a time": {"faults": [{"kind": "hang", "times": 0.5}]},
    "a status of none": {"faults": [{"kind": "status", "status": 200}]},
    "words for a number": {"faults": [{"kind": "slow", "delay_ms": "long"}]},
    "a truth for a number": {"faults": [{"kind": "slow", "rate": True}]},
    "a model that is no name": {"faults": [{"kind": "hang", "model": 5}]},
}


@pytest.mark.parametrize("what", WRONG)
def test_an_invalid_setting_is_rejected_with_a_reason_and_changes_nothing(what: str) -> None:
    async def case() -> None:
        async with calling() as caller:
            await _switch(caller, {"kind": "status", "status": 418})
            wrong = WRONG[what]
            answer = await (
                caller.http.put("/admin/faults", content=wrong)
                if isinstance(wrong, bytes)
                else caller.http.put("/admin/faults", json=wrong)
            )
            assert answer.status_code == 400
            assert answer.json()["error"]
            assert (await caller.ask()).status_code == 418

    run(case())


def test_every_kind_is_accepted_by_its_name() -> None:
    assert {fault_from({"kind": kind}).kind for kind in KINDS} == KINDS


def test_latencies_are_switched_over_http() -> None:
    async def case() -> None:
        async with calling() as caller:
            wanted = {"gpt-4o": {"median_ms": 20}, "*": {"median_ms": 0, "p95_ms": 0}}
            found = (await caller.http.put("/admin/latency", json=wanted)).json()
            assert found["gpt-4o"] == {"median_ms": 20, "p95_ms": 40}
            assert caller.running.latency.delay_s("gpt-4o", "a") > 0
            assert caller.running.latency.delay_s("other", "a") == 0
            for wrong in ([], {"m": 5}, {"m": {"median_ms": -1}}, {"m": {}}):
                answer = await caller.http.put("/admin/latency", json=wrong)
                assert answer.status_code == 400
            assert (await caller.http.get("/admin/latency")).json() == found
            assert (await caller.http.delete("/admin/latency")).json() == {}

    run(case())


def test_a_latency_keeps_to_its_median_and_its_95th_percentile() -> None:
    table = LatencyTable(Chance(3), {"m": Latency(median_ms=200, p95_ms=600)})
    drawn = [table.delay_s("m", f"call-{number}") * 1_000 for number in range(20_000)]
    cuts = quantiles(drawn, n=20)
    assert cuts[9] == pytest.approx(200, rel=0.05)
    assert cuts[18] == pytest.approx(600, rel=0.07)
    assert drawn[0] == table.delay_s("m", "call-0") * 1_000


def test_models_without_a_latency_have_that_of_their_tier() -> None:
    table = LatencyTable(Chance(3))
    delays = [table.delay_s(model, "a") for model in ("gpt-4o-mini", "gpt-4o", "o1")]
    assert delays == sorted(delays)
    assert delays[0] > 0


def test_unknown_admin_paths_are_404_and_health_counts() -> None:
    async def case() -> None:
        async with calling() as caller:
            await caller.ask()
            assert (await caller.http.get("/admin/health")).json() == {"healthy": True, "calls": 1}
            assert (await caller.http.get("/admin/nothing")).status_code == 404
            assert (await caller.http.post("/admin/ledger")).status_code == 404

    run(case())
