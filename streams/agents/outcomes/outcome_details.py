"""Details of a hop's outcome: models, cost, time and, if they may be stored, texts."""

from __future__ import annotations

import orjson

from core.clock import Clock
from schemas.events import HopResult
from schemas.records import ANSWER, Answer
from streams.agents.context.hop_state import HopState
from streams.agents.context.outcome_kinds import Ending, MovedOn, Parked, Replied
from streams.agents.context.ports import Pricing
from streams.providers.port import Usage
from streams.redaction.redactor import redact
from streams.routing.features.request_features import question_of, text_of
from streams.routing.snapshot import Privacy

_OK = "ok"


def request_cost(hop: HopState) -> int | None:
    """Return the nano-USD of all finished calls of the request; `None` if one is unknown."""
    costs = [attempt.cost_nano for attempt in hop.all_attempts]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def result_of(hop: HopState, ending: Ending, clock: Clock, pricing: Pricing) -> HopResult:
    """Return the result of a hop: the origin of the answer, cost and time so far."""
    message, snapshot = hop.message, hop.snapshot
    answer = ending.answer if isinstance(ending, Replied) else None
    tried = message.tiers_tried if message.verdict else (*message.tiers_tried, message.tier)
    shown = answer or (hop.answers[-1] if hop.answers else None)
    return HopResult(
        model=answer.model if answer else None,
        provider=answer.provider if answer else None,
        tiers_tried=tried,
        calls=len(hop.all_attempts),
        cost_nano=request_cost(hop),
        baseline_model=snapshot.baseline,
        baseline_cost_nano=_baseline(hop, answer, pricing),
        input_tokens=answer.input_tokens if answer else None,
        output_tokens=answer.output_tokens if answer else None,
        confidence=shown.confidence if shown else None,
        degraded=ending.degraded if isinstance(ending, Replied) else False,
        finish_reason=answer.finish_reason if answer else None,
        latency_ms=latency_ms(hop, clock),
        provider_ms=hop.provider_ms,
        fallbacks=sum(each.purpose == ANSWER and each.status != _OK for each in hop.all_attempts),
        reply_topic=None if isinstance(ending, MovedOn | Parked) else message.reply_to.topic,
        prompt=_prompt(hop),
        answer=_text(answer, snapshot.privacy),
        answer_tier=answer.tier if answer else None,
        calls_ms=sum(attempt.latency_ms or 0.0 for attempt in hop.all_attempts),
        waited=message.visit > 0,
    )


def _prompt(hop: HopState) -> str | None:
    privacy = hop.snapshot.privacy
    if not (privacy.store_prompts and hop.body):
        return None
    return redact(question_of(hop.body["messages"]), privacy.redact)


def _text(answer: Answer | None, privacy: Privacy) -> str | None:
    if not (privacy.store_answers and answer):
        return None
    return redact(text_of(orjson.loads(answer.message).get("content")), privacy.redact)


def latency_ms(hop: HopState, clock: Clock) -> float:
    """Return the time since the request was written, ms, by the broker's clock."""
    return float(max(clock.now() - hop.message.source.timestamp, 0))


def overhead_ms(ending: Ending, result: HopResult) -> float | None:
    """Return the part of a reply's latency outside of calls; `None` if it waited for capacity, or
    if there is no reply.
    """
    if not isinstance(ending, Replied) or result.waited or result.calls_ms is None:
        return None
    return result.latency_ms - result.calls_ms


def _baseline(hop: HopState, answer: Answer | None, pricing: Pricing) -> int | None:
    """Return the baseline model's cost for the tokens of the given answer, with the same cached
    share: traffic with repeated prefixes would be cached there too.
    """
    name = hop.snapshot.baseline
    if name is None or answer is None:
        return None
    usage = Usage(
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        cache_read_tokens=answer.cache_read_tokens,
        cache_write_tokens=answer.cache_write_tokens,
    )
    return pricing.cost_of(hop.snapshot.models[name], usage)[0]
