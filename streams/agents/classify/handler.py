"""Classify: a caller's request becomes hop 0 on a tier's topic.

At least once: a request that is read again is classified again, and execute admits the first
message of it. What can't be served goes on as a verdict, so that every ending of a request passes
the one place that knows its journal.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.codecs import Codecs
from core.kafka.incoming_message import Incoming
from schemas.encoding import exact_json
from schemas.encoding.codec import Format, format_of
from schemas.encoding.value_checks import sound_time
from schemas.errors import InvalidRequestError, UndecodableError
from schemas.identity import DEFAULT_TENANT, missing_request_id
from schemas.records import (
    BEFORE_HOPS,
    UNDECIDED,
    Attempt,
    Decision,
    Failure,
    Reply,
    ReplyAddress,
    Source,
    TierMessage,
)
from schemas.request import ClaimedIdentity, Request, read_claim, read_request, request_document
from schemas.topics import MAX_REQUEST_BYTES
from streams.agents.calls.expected_costs import expected_costs
from streams.agents.classify.llm_classification import opinion_on
from streams.agents.classify.reply_address import CORRELATION_ID, REPLY_TOPIC, Addressed, address_of
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.agents.context.ports import IntakePorts, KafkaPorts
from streams.agents.context.spans import classify_span, note_decision
from streams.agents.context.tier_records import tier_record
from streams.agents.outcomes.failed_handling import FAILURE, one_try, set_failed_aside
from streams.agents.outcomes.replies import send_reply
from streams.flow.dispatcher import Work
from streams.flow.handling_retries import HandlingFailure, cause_of, is_environment
from streams.registry.live import LiveRegistry
from streams.routing.assessment import uses_artifact, wants_opinion
from streams.routing.decision import (
    CODE_VERSION,
    DecisionContext,
    RoutingRequest,
    decide,
    effective_snapshot,
    features_of,
    is_static,
)
from streams.routing.parameters.extra_body import refused_names
from streams.routing.snapshot import RegistrySnapshot
from streams.tracing.context import TraceContext

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A request as it was found: its place, who it says it is, where its reply goes.

    `owner` is the tenant that its topic is bound to; `foreign` says that it came by a topic of
    nobody and names a tenant that has a topic of its own.
    """

    message: Incoming
    source: Source
    claim: ClaimedIdentity
    address: ReplyAddress
    owner: str | None
    foreign: bool


async def classify(work: Work, deps: Dependencies) -> None:
    """Take one request; returns when its tier message, or dead letter, is acknowledged."""
    message = work.message
    try:
        record = await _decode(message, deps.kafka.codecs)
    except UndecodableError as error:
        await _set_aside(message, str(error), deps.intake, deps.kafka)
        return
    if work.tries.failed == 0:
        deps.kafka.dead_letters.passed(message)
    addressed = await address_of(message, deps.intake, deps.kafka)
    hop = await _first_hop(work, record, addressed, deps)
    await (await deps.kafka.publisher.publish(tier_record(hop, deps.kafka.codecs)))


async def give_up_request(work: Work, fault: HandlingFailure, deps: Dependencies) -> None:
    """End a request that can't be handled as failed: a verdict for its journal, a dead letter, an
    alert. Of one that can't even be opened only the dead letter and the alert remain.
    """
    await set_failed_aside(work.message, fault, deps.kafka, deps.observers)
    try:
        opened = await _reopened(work.message, deps.intake, deps.kafka)
    except Exception as error:
        if is_environment(error):
            raise
        log.warning(
            "a request that failed can't be opened; only its dead letter is left: %s",
            cause_of(error),
        )
        return
    verdict = replace(
        _verdict_of(opened, FAILURE, deps.intake.cluster, deps.registry),
        attempts=tuple(work.tries.attempts),
    )
    await (await deps.kafka.publisher.publish(tier_record(verdict, deps.kafka.codecs)))


async def _reopened(message: Incoming, intake: IntakePorts, kafka: KafkaPorts) -> _Opened:
    record = await _decode(message, kafka.codecs)
    addressed = await address_of(message, intake, kafka)
    return _opened(message, record, addressed, intake.bound_tenants)


async def _decode(message: Incoming, codecs: Codecs) -> dict[str, Any]:
    if message.value is None:
        raise UndecodableError("the value is null")
    return await codecs.decode(codecs.request, message.value)


async def _first_hop(
    work: Work, record: dict[str, Any], addressed: Addressed, deps: Dependencies
) -> TierMessage:
    opened = _opened(work.message, record, addressed, deps.intake.bound_tenants)
    with classify_span(opened.source, opened.address, deps.observers.tracer) as span:
        try:
            request = _checked(opened, record, addressed, deps.kafka.codecs)
            first = await _routed(opened, request, work, span.context, deps)
        except InvalidRequestError as error:
            span.fail(error.code)
            return _verdict(opened, error, deps.intake.cluster, deps.registry)
        note_decision(span, first.decision)
        return first


def _opened(
    message: Incoming,
    record: dict[str, Any],
    addressed: Addressed,
    bound_tenants: Mapping[str, str | None],
) -> _Opened:
    claim = read_claim(record)
    owner = bound_tenants.get(message.topic)
    foreign = owner is None and claim.tenant in bound_tenants.values()
    # A foreign one is refused, and must not end a request of that tenant.
    tenant = DEFAULT_TENANT if foreign else owner or claim.tenant
    return _Opened(
        message=message,
        source=Source(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=sound_time(message.timestamp),
        ),
        claim=ClaimedIdentity(request_id=claim.request_id, tenant=tenant),
        address=addressed.address,
        owner=owner,
        foreign=foreign,
    )


def _checked(
    opened: _Opened,
    record: dict[str, Any],
    addressed: Addressed,
    codecs: Codecs,
) -> Request:
    value = opened.message.value or b""
    if len(value) > MAX_REQUEST_BYTES:
        raise InvalidRequestError(
            f"the request has {len(value)} bytes, at most {MAX_REQUEST_BYTES} are taken",
            code="too_large",
        )
    if addressed.refusal is not None:
        raise addressed.refusal
    framed = codecs.request.format is Format.CONFLUENT
    is_json = format_of(value, framed=framed) is Format.JSON
    request = read_request(record if is_json else request_document(record))
    if opened.owner is not None and record.get("tenant") not in {None, opened.owner}:
        raise InvalidRequestError("tenant: this topic belongs to another tenant")
    if opened.foreign:
        raise InvalidRequestError("tenant: its requests come by a topic of its own")
    return request


async def _routed(
    opened: _Opened, request: Request, work: Work, trace: TraceContext | None, deps: Dependencies
) -> TierMessage:
    snapshot = deps.registry.snapshot
    body = _carried(request)
    deadline_at = opened.source.timestamp + request.deadline_ms
    now = deps.kafka.clock.now()
    if deadline_at <= now:
        raise InvalidRequestError(
            "the deadline was over before the request was read", code="deadline_exceeded"
        )
    _refuse_extra(request, snapshot)
    subject = RoutingRequest.of(request, opened.claim.tenant)
    ground, _ = effective_snapshot(subject, snapshot)
    moment = DecisionContext(
        now=now,
        time_left_ms=deadline_at - now,
        costs=expected_costs(request.body, ground, deps.calls.pricing)
        if uses_artifact(ground)
        else {},
    )
    first = TierMessage(
        tenant=opened.claim.tenant,
        request_id=_request_id(opened, deps.intake.cluster),
        source=opened.source,
        hop=0,
        visit=0,
        tier=snapshot.tiers[0],
        body=body,
        user_id=request.user_id,
        user_tier=request.user_tier,
        feature=request.feature,
        quality=ground.policy.quality_for(request.feature, request.quality),
        retrieval_scores=request.retrieval_scores,
        retrieval_query_type=request.retrieval_query_type,
        metadata=request.metadata,
        deadline_at=deadline_at,
        reply_to=opened.address,
        decision=_undecided(snapshot),
    )
    attempts: tuple[Attempt, ...] = tuple(work.tries.attempts)
    if not is_static(subject, ground) and wants_opinion(
        seen := features_of(subject, ground), ground
    ):
        asking = HopState(
            work=work,
            message=replace(first, hop=BEFORE_HOPS),
            snapshot=ground,
            body=request.body,
            trace=trace,
            attempts=list(work.tries.attempts),
        )
        async with one_try(asking):
            moment = replace(moment, opinion=await opinion_on(seen, asking, deps))
            for record in asking.pending:
                await record
        attempts = asking.all_attempts
        work.tries.attempts = list(attempts)
    decision = decide(subject, snapshot, moment)
    deps.observers.metrics.classified(decision.classifier, decision.tier)
    await deps.observers.report(
        deps.observers.drift_monitor.decided(
            decision.registry_version, decision.classifier, decision.score
        )
    )
    return replace(first, tier=decision.tier, decision=decision, attempts=attempts)


def _refuse_extra(request: Request, snapshot: RegistrySnapshot) -> None:
    pinned = snapshot.models.get(request.model or "")
    models = snapshot.models.values() if pinned is None else (pinned,)
    refused = refused_names(request.body, models)
    if refused:
        whose = "no model takes it" if pinned is None else f"{pinned.name} does not take it"
        raise InvalidRequestError(
            f"extra_body.{refused[0]}: {whose}; a model takes what its registry entry lists under "
            "extra_body, by default the common vendor parameters"
        )


def _carried(request: Request) -> bytes:
    """The body as it goes through the tiers. A control character is a byte in Avro and six in
    JSON, so that what was small enough to be read may be too large to be sent on.
    """
    body = exact_json.dumps(request.body)
    if len(body) > MAX_REQUEST_BYTES:
        raise InvalidRequestError(
            f"the request has {len(body)} bytes as JSON, at most {MAX_REQUEST_BYTES} are taken",
            code="too_large",
        )
    return body


def _undecided(snapshot: RegistrySnapshot) -> Decision:
    return Decision(
        classifier=UNDECIDED,
        score=None,
        tier=snapshot.tiers[0],
        model=None,
        reasons=(),
        registry_version=snapshot.version,
        code_version=CODE_VERSION,
    )


def _verdict(
    opened: _Opened, error: InvalidRequestError, cluster: str, registry: LiveRegistry
) -> TierMessage:
    failure = Failure(
        code=error.code, message=str(error), retryable=error.code == "deadline_exceeded"
    )
    return _verdict_of(opened, failure, cluster, registry)


def _verdict_of(
    opened: _Opened, failure: Failure, cluster: str, registry: LiveRegistry
) -> TierMessage:
    """A hop that ends the request without a call: rejected, expired, or failed."""
    snapshot = registry.snapshot
    return TierMessage(
        tenant=opened.claim.tenant,
        request_id=_request_id(opened, cluster),
        source=opened.source,
        hop=0,
        visit=0,
        tier=snapshot.tiers[0],
        body=b"",
        user_id=None,
        user_tier=None,
        feature=None,
        quality=snapshot.policy.default_quality,
        deadline_at=opened.source.timestamp,
        reply_to=opened.address,
        decision=_undecided(snapshot),
        verdict=failure,
    )


def _request_id(opened: _Opened, cluster: str) -> str:
    return opened.claim.request_id or _made_id(opened.message, cluster)


def _made_id(message: Incoming, cluster: str) -> str:
    return missing_request_id(
        cluster, message.topic, message.partition, message.offset, message.timestamp
    )


async def _set_aside(
    message: Incoming, reason: str, intake: IntakePorts, kafka: KafkaPorts
) -> None:
    """Dead-letter what can't be read, and tell a sender that listens for an answer."""
    done = await kafka.dead_letters.put(message, "undecodable", reason)
    if message.header(*CORRELATION_ID, *REPLY_TOPIC) is not None:
        addressed = await address_of(message, intake, kafka)
        reply = Reply(
            request_id=_made_id(message, intake.cluster),
            status="rejected",
            cost_nano=0,
            latency_ms=float(max(kafka.clock.now() - message.timestamp, 0)),
            error=Failure(code="invalid_request", message=reason, retryable=False),
        )
        await (await send_reply(reply, addressed.address, kafka.codecs, kafka.publisher))
    await done
