"""Details of a hop's outcome: models, cost, time and, if they may be stored, texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from schemas.events import HopResult
from schemas.records import ANSWER, Answer, TierMessage
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.outcome_kinds import Ending, MovedOn, Parked, Replied
from streams.agents.context.ports import Pricing
from streams.providers.port import Usage
from streams.redaction.redactor import redact
from streams.routing.features.request_features import question_of, text_of
from streams.routing.snapshot import Privacy, RegistrySnapshot

_OK = "ok"


def result_of(progress: HopProgress, ending: Ending, now: int, pricing: Pricing) -> HopResult:
    """Return the result of a hop at broker time `now`, ms: the origin of the answer, cost and time
    so far. The cost is `None` if that of one call is unknown.
    """
    hop, attempts = progress.hop, progress.attempts
    message, snapshot = hop.message, hop.snapshot
    answer = ending.answer if isinstance(ending, Replied) else None
    shown = ending.answer if isinstance(ending, Replied | MovedOn) else None
    costs = [attempt.cost_nano for attempt in attempts]
    return HopResult(
        model=answer.model if answer else None,
        provider=answer.provider if answer else None,
        tiers_tried=(*message.tiers_tried, *(() if message.verdict else (message.tier,))),
        calls=len(attempts),
        cost_nano=None if None in costs else sum(cost for cost in costs if cost is not None),
        baseline_model=snapshot.baseline,
        baseline_cost_nano=_baseline(snapshot, answer, pricing),
        input_tokens=answer.input_tokens if answer else None,
        output_tokens=answer.output_tokens if answer else None,
        confidence=shown.confidence if shown else None,
        degraded=isinstance(ending, Replied) and (ending.fell_back or bool(ending.faults)),
        finish_reason=answer.finish_reason if answer else None,
        latency_ms=latency_ms(message, now),
        provider_ms=progress.provider_ms,
        fallbacks=sum(each.purpose == ANSWER and each.status != _OK for each in attempts),
        reply_topic=None if isinstance(ending, MovedOn | Parked) else message.reply_to.topic,
        prompt=_prompt(hop.body, snapshot.privacy),
        answer=_text(answer, snapshot.privacy),
        answer_tier=answer.tier if answer else None,
        calls_ms=sum(attempt.latency_ms or 0.0 for attempt in attempts),
        waited=message.visit > 0,
    )


def _prompt(body: Mapping[str, Any], privacy: Privacy) -> str | None:
    if not (privacy.store_prompts and body):
        return None
    return redact(question_of(body["messages"]), privacy.redact)


def _text(answer: Answer | None, privacy: Privacy) -> str | None:
    if not (privacy.store_answers and answer):
        return None
    return redact(text_of(orjson.loads(answer.message).get("content")), privacy.redact)


def latency_ms(message: TierMessage, now: int) -> float:
    """Return the time since the request was written, ms; `now` is broker time."""
    return float(max(now - message.source.timestamp, 0))


def overhead_ms(ending: Ending, result: HopResult) -> float | None:
    """Return the part of a reply's latency outside of calls; `None` if it waited for capacity, or
    if there is no reply.
    """
    if not isinstance(ending, Replied) or result.waited or result.calls_ms is None:
        return None
    return result.latency_ms - result.calls_ms


def _baseline(snapshot: RegistrySnapshot, answer: Answer | None, pricing: Pricing) -> int | None:
    """Return the baseline model's cost for the tokens of the given answer, with the same cached
    share: traffic with repeated prefixes would be cached there too.
    """
    name = snapshot.baseline
    if name is None or answer is None:
        return None
    usage = Usage(
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        cache_read_tokens=answer.cache_read_tokens,
        cache_write_tokens=answer.cache_write_tokens,
    )
    return pricing.cost_of(snapshot.models[name], usage)[0]
