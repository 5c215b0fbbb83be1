"""One provider call: journaled when it starts, booked when it ends, whatever its end.

Law 4: money is counted per real call. A call that failed with an answer from the provider cost
nothing; one that was cut off or timed out has an unknown cost, which is NULL, never zero.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from schemas.errors import SluiceError
from schemas.events import CostEvent
from schemas.journal_headers import CALL_ID, INCARNATION, STARTED
from schemas.mapping import as_record
from schemas.records import Attempt
from schemas.topics import COST
from streams.agents.dependencies import Dependencies
from streams.agents.hop_state import HopState
from streams.flow.delivery import Outgoing
from streams.providers.base import (
    ChatCall,
    Completion,
    Endpoint,
    ErrorClass,
    ProviderError,
    Timeouts,
    Usage,
)
from streams.routing.candidates import Candidate

log = logging.getLogger(__name__)

LEASE_MARGIN_MS = 2_000
"""How long after a call's own timeout its worker may take to publish what it brought."""

UNBILLED = "unbilled"
"""Price source of calls that the provider refused: they cost nothing."""

_LOWEST_ERROR_STATUS = 400
_UNKNOWN_USAGE = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnd:
    """How a call ended: with a completion, or with an error."""

    attempt: Attempt
    completion: Completion | None
    error: ProviderError | None


async def make_call(hop: HopState, candidate: Candidate, deps: Dependencies) -> CallEnd:
    """Ask a candidate once; the cost event is on its way when this returns."""
    call_id = deps.call_id()
    started_at = deps.clock.now()
    limits = hop.landscape.policy.timeouts
    total_ms = max(min(limits.total_ms, hop.time_left_ms(started_at)), 1.0)
    hop.lease_until = started_at + int(total_ms) + LEASE_MARGIN_MS
    await _journal_start(hop, candidate, call_id, deps)
    call = ChatCall(
        call_id=call_id,
        model=candidate.model.provider_model,
        body=hop.body,
        timeouts=Timeouts(
            connect=limits.connect_ms / 1000,
            read=limits.read_ms / 1000,
            total=total_ms / 1000,
        ),
        max_output_tokens=hop.body.get("max_completion_tokens")
        or hop.body.get("max_tokens")
        or candidate.model.max_output,
    )
    before = deps.clock.elapsed_ms()
    completion: Completion | None = None
    error: ProviderError | None = None
    with deps.load.call(candidate):
        try:
            provider = deps.provider(candidate.model.provider)
            completion = await provider.complete(call, _endpoint(candidate))
        except ProviderError as failure:
            error = failure
        except SluiceError as failure:
            error = ProviderError(ErrorClass.AUTH, str(failure))
        except Exception as failure:
            log.exception("provider %s broke its port", candidate.model.provider)
            error = ProviderError(
                ErrorClass.BAD_RESPONSE, f"the adapter failed with {type(failure).__name__}"
            )
    latency_ms = deps.clock.elapsed_ms() - before
    hop.provider_ms += latency_ms
    if completion is not None:
        deps.load.took(candidate, latency_ms)
    return await _book(
        hop, candidate, _Ended(call_id, started_at, latency_ms, completion, error), deps
    )


@dataclass(frozen=True, slots=True)
class _Ended:
    call_id: str
    started_at: int
    latency_ms: float
    completion: Completion | None
    error: ProviderError | None


def _endpoint(candidate: Candidate) -> Endpoint:
    instance = candidate.instance
    return Endpoint(
        name=instance.name,
        base_url=instance.base_url,
        api_key_env=instance.api_key_env,
        api_version=instance.api_version,
    )


async def _journal_start(
    hop: HopState, candidate: Candidate, call_id: str, deps: Dependencies
) -> None:
    event = hop.outcome(
        STARTED,
        deps,
        call_id=call_id,
        lease_until=hop.lease_until,
        provider=candidate.model.provider,
        request_model=candidate.model.name,
        instance=candidate.instance.name,
    )
    headers = hop.journal_headers(STARTED, deps, call_id=call_id, lease_until=hop.lease_until)
    under_way = await deps.publisher.publish(hop.journal_record(event, headers, deps))
    if deps.journal_before_call:
        await under_way
    else:
        hop.pending.append(under_way)


async def _book(hop: HopState, candidate: Candidate, ended: _Ended, deps: Dependencies) -> CallEnd:
    completion, error = ended.completion, ended.error
    usage = completion.usage if completion else (error.usage if error else None)
    cost_nano, price_source = await _price(candidate, usage, error, deps)
    status = "ok" if error is None else error.error_class.value
    now = deps.clock.now()
    tokens = usage or _UNKNOWN_USAGE
    message = hop.message
    event = CostEvent(
        tenant=message.tenant,
        request_id=message.request_id,
        hop=message.hop,
        visit=message.visit,
        call_id=ended.call_id,
        purpose="answer",
        at=now,
        started_at=ended.started_at,
        tier=message.tier,
        provider=candidate.model.provider,
        request_model=candidate.model.name,
        response_model=completion.response_model if completion else None,
        instance=candidate.instance.name,
        status=status,
        http_status=error.status if error else 200,
        finish_reason=completion.finish_reason if completion else None,
        input_tokens=tokens.input_tokens,
        output_tokens=tokens.output_tokens,
        cache_read_tokens=tokens.cache_read_tokens,
        cache_write_tokens=tokens.cache_write_tokens,
        reasoning_tokens=tokens.reasoning_tokens,
        cost_nano=cost_nano,
        price_source=price_source,
        latency_ms=ended.latency_ms,
        worker=deps.me.worker,
        incarnation=deps.me.incarnation,
        late=not hop.may_publish(now),
        user_id=message.user_id,
        user_tier=message.user_tier,
        feature=message.feature,
        registry_version=hop.landscape.version,
        experiment=message.decision.experiment,
        arm=message.decision.arm,
    )
    hop.pending.append(await deps.publisher.publish(cost_record(event, hop.partition, deps)))
    attempt = Attempt(
        call_id=ended.call_id,
        hop=message.hop,
        tier=message.tier,
        model=candidate.model.name,
        provider=candidate.model.provider,
        instance=candidate.instance.name,
        status=status,
        cost_nano=cost_nano,
        latency_ms=ended.latency_ms,
    )
    return CallEnd(attempt=attempt, completion=completion, error=error)


def cost_record(event: CostEvent, partition: int, deps: Dependencies) -> Outgoing:
    """A cost event on the partition of the request's journal, its call id in the headers."""
    return Outgoing(
        topic=COST,
        key=event.key,
        value=deps.codecs.cost.encode(as_record(event)),
        headers=[
            (CALL_ID, event.call_id.encode()),
            (INCARNATION, event.incarnation.encode()),
        ],
        partition=partition,
    )


async def _price(
    candidate: Candidate, usage: Usage | None, error: ProviderError | None, deps: Dependencies
) -> tuple[int | None, str | None]:
    if usage is None:
        refused = error is not None and (error.status or 0) >= _LOWEST_ERROR_STATUS
        return (0, UNBILLED) if refused else (None, None)
    cost_nano, source = deps.pricing.cost_of(candidate.model, usage)
    if source is None:
        await deps.alerts.fire(
            "unknown_price",
            candidate.model.name,
            f"no price is known for {candidate.model.name}; its calls are booked with cost NULL. "
            "Set models.<name>.price in the registry.",
        )
    return cost_nano, source
