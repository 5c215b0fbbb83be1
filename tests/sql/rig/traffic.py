"""The lives of requests as records of the event topics, repeats with absurd figures among them."""

from __future__ import annotations

from typing import Any

from schemas.topics import COST, OUTCOMES, QUALITY
from sinks.rows.log_position import Place
from tests.sql.rig.lives import MODELS, Life
from tests.sql.rig.log import Record, cost_event, on_log, outcome_event, quality_event

ABSURD = 77_000_000_000
"""Nano-USD of repeated rows: one of them in a sum is seen at once."""


def as_log(lives: list[Life]) -> dict[Place, list[Record]]:
    """The lives as records of the event topics, repeats among them, each topic in order of time."""
    calls, outcomes, signals = [], [], []
    for life in lives:
        calls += _call_events(life)
        outcomes += _outcome_events(life)
        signals += [
            quality_event(
                **_whose(life), at=each.at, signal=each.signal, name="n", score=each.score,
                passed=each.passed, label=each.label, tier=each.tier, request_model=each.model,
                call_id=each.call_id,
            )
            for each in life.signals
        ]  # fmt: skip
    return {
        Place(topic, 0): on_log(topic, sorted(events, key=lambda event: int(event["at"])))
        for topic, events in ((COST, calls), (OUTCOMES, outcomes), (QUALITY, signals))
    }


def _whose(life: Life) -> dict[str, Any]:
    return {
        "tenant": life.tenant, "request_id": life.request_id, "user_id": life.user_id,
        "feature": life.feature, "registry_version": life.registry,
        "experiment": life.experiment, "arm": life.arm,
    }  # fmt: skip


def _call_events(life: Life) -> list[dict[str, Any]]:
    events = []
    for call in life.calls:
        event = cost_event(
            call.call_id, **_whose(life), purpose=call.purpose, at=call.at, tier=call.tier or None,
            provider=call.provider, request_model=call.model, instance=call.instance,
            status=call.status, cost_nano=call.nano, latency_ms=call.latency_ms,
            input_tokens=call.input_tokens, output_tokens=call.output_tokens,
            cache_read_tokens=call.cached_tokens,
            propensity=call.propensity,
        )  # fmt: skip
        events.append(event)
        if call.late_nano is not None:
            late = {"status": "ok", "cost_nano": call.late_nano, "at": call.at + 5, "late": True}
            events += [event | late, event | late]
        elif call.nano is not None and life.number % 5 == 0:
            events.append(event | {"cost_nano": ABSURD, "status": "server"})
    return events


def _outcome_events(life: Life) -> list[dict[str, Any]]:
    events = []
    whose = {key: value for key, value in _whose(life).items() if key in _OUTCOME_WHOSE}
    source = {
        "topic": "llm.requests.v1", "partition": 0, "offset": life.number,
        "timestamp": life.requested_at,
    }  # fmt: skip
    decision = {
        "classifier": life.classifier, "tier": life.hops[0].tier, "reasons": ["short"],
        "registry_version": life.registry, "experiment": life.experiment, "arm": life.arm,
    }  # fmt: skip
    for number, hop in enumerate(life.hops):
        shared = {**whose, "source": source, "hop": number, "tier": hop.tier, "decision": decision}
        for visit in range(hop.parked):
            at = hop.ended_at - 1_000 * (hop.parked - visit)
            events.append(outcome_event("parked", **shared, visit=visit, at=at))
        events += [
            outcome_event("started", **shared, visit=hop.parked, at=call.at, call_id=call.call_id)
            for call in hop.calls
        ]
        last = number == len(life.hops) - 1
        model, provider = (
            MODELS[life.answered_by.tier] if life.answered_by and last else (None, None)
        )
        shown = life.answered_by.confidence if last and life.answered_by else hop.confidence
        result = {
            "model": model, "provider": provider, "calls": 1,
            "tiers_tried": [each.tier for each in life.hops[: number + 1]],
            "cost_nano": life.nano_up_to(number),
            "baseline_cost_nano": life.baseline_nano if last else None,
            "confidence": shown, "provider_ms": hop.provider_ms,
            "latency_ms": float(hop.ended_at - life.requested_at),
            "prompt": life.prompt if last else None,
            "answer_tier": life.answered_by.tier if model else None,
            "calls_ms": sum(each.provider_ms for each in life.hops[: number + 1]),
            "waited": any(each.parked for each in life.hops[: number + 1]),
        }  # fmt: skip
        end = outcome_event(
            life.status if last else "escalated", **shared, visit=hop.parked, at=hop.ended_at,
            next_tier=None if last else life.hops[number + 1].tier, result=result,
        )  # fmt: skip
        events.append(end)
        if life.number % 4 == 0:
            absurd = {"cost_nano": ABSURD, "latency_ms": 1e9, "confidence": 0.0}
            events.append(end | {"result": end["result"] | absurd})
    return events


_OUTCOME_WHOSE = {"tenant", "request_id", "user_id", "feature"}
