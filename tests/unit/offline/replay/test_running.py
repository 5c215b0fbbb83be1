"""A run over a log and tables in memory: decided, skipped and already decided requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest

from infra.replays.replay_run import Runner, Tally
from schemas.encoding.codec import Codec
from schemas.errors import UndecodableError
from schemas.request import Request
from schemas.topics import REQUESTS
from streams.offline.replay.accepted import accepted_request
from streams.offline.replay.replaying import Replayer
from streams.offline.replay.request_log import InMemoryRequestLog, Logged
from streams.offline.replay.run_spec import OffsetSpan, RunSpec
from streams.providers.pricing.price_list import PriceBook
from tests.unit.agents.world import REGISTRY
from tests.unit.offline.replay.world import RecordedLog, record

CODEC = Codec("ReplayDecision")


@dataclass
class Put:
    """Rows that a run wrote, as they are encoded."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    flushed: int = 0

    def put(self, run_id: str, key: str, value: bytes) -> None:
        row = CODEC.decode(value)
        assert row["run_id"] == run_id
        assert key == row["request_id"]
        self.rows.append(row)

    def flush(self) -> None:
        self.flushed += 1


@dataclass
class Tables:
    """The recorded outcomes as ClickHouse returns them."""

    log: RecordedLog

    def rows(self, name: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        assert name == "requests"
        for each in self.log.recorded():
            decision = each.decision
            if not parameters["first"] <= each.source.offset < parameters["end"]:
                continue
            if parameters["tenant"] not in {"", each.tenant}:
                continue
            yield {
                "source_offset": each.source.offset, "asked_at": each.source.timestamp,
                "tenant": each.tenant, "request_id": each.request_id,
                "user_id": each.user_id or "", "user_tier": each.user_tier or "",
                "feature": each.feature or "", "classifier": decision.classifier,
                "score": decision.score, "decided_tier": decision.tier,
                "pinned_model": decision.model or "", "reasons": list(decision.reasons),
                "registry_version": decision.registry_version,
                "code_version": decision.code_version, "artifact": decision.artifact or "",
                "experiment": decision.experiment or "", "arm": decision.arm or "",
                "propensity": decision.propensity, "decision_inputs": decision.inputs,
                "ended_tier": decision.tier,
            }  # fmt: skip


def read(value: bytes) -> Request:
    try:
        return accepted_request(orjson.loads(value))
    except orjson.JSONDecodeError:
        raise UndecodableError("not JSON") from None


@pytest.fixture(scope="module")
def log() -> RecordedLog:
    requests = [
        (0, {"request_id": f"r{n}", "prompt": f"hello {n}", "tenant": f"t{n % 2}"})
        for n in range(10)
    ]
    requests.append((0, {"request_id": "bad", "prompt": "hi", "model": "nobody"}))
    return record([REGISTRY], requests)


def runner(log: RecordedLog, *, first: int = 0, **more: Any) -> tuple[Runner, Put]:
    """A run over the log, which contains its requests from `first` on."""
    (snapshot,) = log.snapshots.values()
    times = log.asked_at
    records = [
        Logged(offset=at, timestamp=times[document["request_id"]], value=orjson.dumps(document))
        for at, document in log.requests.items()
        if at >= first
    ]
    records += more.pop("extra", [])
    put = Put()
    end = max(each.offset for each in records) + 1
    spec = more.pop("spec", RunSpec(registry=snapshot.version, spans=(span(0, end),)))
    found = Runner(
        spec=spec,
        log=InMemoryRequestLog({(REQUESTS, 0): records}),
        tables=Tables(log),
        rows=put,
        replayer=Replayer(snapshot=snapshot, before=log.snapshots.get, pricing=PriceBook()),
        read=read,
        done=more.pop("done", frozenset()),
        now_ms=lambda: 5,
    )
    return found, put


def span(first: int, end: int) -> OffsetSpan:
    return OffsetSpan(topic=REQUESTS, partition=0, first=first, end=end)


def test_every_decided_request_has_a_row_and_what_was_refused_is_counted(log: RecordedLog) -> None:
    run, put = runner(log)

    assert run.run() == Tally(decided=10, undecided=1)
    assert [row["request_id"] for row in put.rows] == [f"r{n}" for n in range(10)]
    assert all(row["same"] for row in put.rows)
    assert put.rows[0]["models"] == ["gpt-4o-mini", "gpt-4o", "opus"]
    assert put.rows[0]["marks"] == [0.6, 0.5, -1.0]
    assert put.flushed == 1


def test_requests_that_other_code_decided_are_counted_by_its_version(log: RecordedLog) -> None:
    run, put = runner(log)
    tables = run.tables

    class Older:
        def rows(self, name: str, **parameters: Any) -> Iterator[dict[str, Any]]:
            for row in tables.rows(name, **parameters):
                is_odd = row["source_offset"] % 2
                yield row | ({"code_version": "1"} if is_odd else {})

    run.tables = Older()
    tally = run.run()
    assert tally.decided == 10
    assert tally.other_code == {"1": 5}
    assert (tally + tally).other_code == {"1": 10}
    assert sum(row["same"] for row in put.rows) == 10


def test_decided_requests_are_not_decided_again(log: RecordedLog) -> None:
    run, put = runner(log, done={(REQUESTS, 0, offset) for offset in range(4)})

    assert run.run() == Tally(decided=6, before=4, undecided=1)
    assert put.rows[0]["request_id"] == "r4"


def test_requests_removed_from_the_log_are_counted_and_not_estimated(log: RecordedLog) -> None:
    run, put = runner(log, first=3)

    assert run.run() == Tally(decided=7, gone=3, undecided=1)
    assert len(put.rows) == 7


def test_a_request_without_an_outcome_is_counted_and_not_confused_with_another(
    log: RecordedLog,
) -> None:
    last = max(log.requests)
    late = Logged(offset=last + 1, timestamp=9, value=b'{"prompt":"hi"}')
    assert runner(log, extra=[late])[0].run() == Tally(decided=10, undecided=1, open=1)
    recreated = replace(
        log,
        outcomes=[
            {**event, "source": {**event["source"], "timestamp": 1}}
            if event["request_id"] == "r1"
            else event
            for event in log.outcomes
        ],
    )
    run, put = runner(log)
    run.tables = Tables(recreated)
    assert run.run() == Tally(decided=9, undecided=1, open=1)
    assert "r1" not in {row["request_id"] for row in put.rows}


def test_a_tenant_and_a_sample_narrow_it(log: RecordedLog) -> None:
    full = RunSpec(registry="r", spans=(span(0, 11),))
    run, put = runner(log, spec=replace(full, tenant="t1"))
    assert run.run().decided == 5
    assert {row["tenant"] for row in put.rows} == {"t1"}

    half = replace(full, sample=0.5)
    sampled, first = runner(log, spec=half)
    again, second = runner(log, spec=half)
    assert 0 < sampled.run().decided < 10
    again.run()
    assert first.rows == second.rows


def test_a_run_is_named_by_what_it_replays() -> None:
    spec = RunSpec(registry="r", spans=(span(0, 9),))

    assert spec.run_id == RunSpec.of(spec.as_document()).run_id
    assert spec.run_id != replace(spec, sample=0.5).run_id
    assert spec.run_id != replace(spec, spans=(span(0, 8),)).run_id


def test_pieces_are_cut_at_the_same_offsets_wherever_a_span_begins() -> None:
    pieces = span(7, 45).pieces(20)
    assert [(each.first, each.end) for each in pieces] == [(7, 20), (20, 40), (40, 45)]
