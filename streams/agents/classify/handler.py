"""The classify agent: a request becomes hop 0 on a tier's topic.

Delivery is at least once: a request that is read again is classified again, and execute admits its
first message. A request that can't be served becomes a verdict, so that every request ends in
execute, which holds its journal.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from core.kafka.incoming_message import Incoming
from schemas.errors import InvalidRequestError, UndecodableError
from schemas.gateway.cancellation import cancels_until
from schemas.journal_headers import JournalKind
from schemas.records import BEFORE_HOPS, Failure, Reply, TierMessage
from streams.agents.calls.expected_costs import expected_costs
from streams.agents.classify.first_hop import cancellation, failure_of, first_hop, verdict
from streams.agents.classify.llm_classification import opinion_on
from streams.agents.classify.opened_request import (
    OpenedRequest,
    check_request,
    decode_request,
    open_request,
    position_id,
)
from streams.agents.classify.reply_address import CORRELATION_IDS, REPLY_TOPICS, address_of
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop import Hop
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.ports import IntakePorts, KafkaPorts, Observers
from streams.agents.context.spans import classify_span, note_decision
from streams.agents.context.tier_records import tier_record
from streams.agents.outcomes.failed_handling import FAILURE, dead_letter_failed
from streams.agents.outcomes.replies import deliver
from streams.flow.dispatcher import Work
from streams.flow.handling_retries import HandlingFailure, cause_of, is_environment
from streams.routing.assessment import needs_llm_classification, uses_artifact
from streams.routing.decision import (
    DecisionContext,
    RoutingRequest,
    decide,
    effective_snapshot,
    features_of,
    is_static,
)
from streams.routing.features.request_features import estimate_tokens
from streams.tracing.context import TraceContext

log = logging.getLogger(__name__)


async def classify(work: Work, deps: Dependencies) -> None:
    """Handle one request; return when its tier message or dead letter is acknowledged."""
    message, kafka = work.message, deps.kafka
    try:
        record = await decode_request(message, kafka.codecs)
    except UndecodableError as error:
        await _dead_letter(message, str(error), deps.intake, kafka, deps.observers)
        return
    if work.tries.failed == 0:
        kafka.dead_letters.passed(message)
    opened = await open_request(message, record, deps.intake, kafka)
    if opened.cancels_until is not None:
        hop = cancellation(opened, opened.cancels_until, deps.registry.snapshot)
    else:
        hop = await _route(opened, work, deps)
    await (await kafka.publisher.publish(tier_record(hop, kafka.codecs)))


async def give_up_request(work: Work, fault: HandlingFailure, deps: Dependencies) -> None:
    """End a request whose handling fails: a verdict for its journal, a dead letter, an alert.

    Where the request can't be opened either, only the dead letter and the alert remain, and so for
    a message that cancels a request.
    """
    message, kafka = work.message, deps.kafka
    await dead_letter_failed(message, fault, kafka, deps.observers)
    if cancels_until(message.headers) is not None:
        return
    try:
        record = await decode_request(message, kafka.codecs)
        opened = await open_request(message, record, deps.intake, kafka)
    except Exception as error:
        if is_environment(error):
            raise
        log.warning(
            "cannot read a failed request, keeping its dead letter only: %s",
            cause_of(error),
        )
        return
    end = replace(
        verdict(opened, FAILURE, deps.registry.snapshot), attempts=tuple(work.tries.attempts)
    )
    await (await kafka.publisher.publish(tier_record(end, kafka.codecs)))


async def _route(opened: OpenedRequest, work: Work, deps: Dependencies) -> TierMessage:
    with classify_span(opened.source, opened.reply_to, deps.observers.tracer) as span:
        try:
            hop = await _decided(opened, work, span.context, deps)
        except InvalidRequestError as error:
            span.fail(error.code)
            return verdict(opened, failure_of(error), deps.registry.snapshot)
        note_decision(span, hop.decision)
        return hop


async def _decided(
    opened: OpenedRequest, work: Work, trace: TraceContext | None, deps: Dependencies
) -> TierMessage:
    snapshot, now = deps.registry.snapshot, deps.kafka.clock.now()
    checked = check_request(opened, deps.kafka.codecs, snapshot, now)
    request = checked.request
    subject = RoutingRequest.of(request, opened.tenant)
    effective, _ = effective_snapshot(subject, snapshot, stream=opened.stream)
    hop = first_hop(opened, checked, snapshot, effective)
    features = None if is_static(subject, effective) else features_of(subject, effective)
    costs = {}
    if uses_artifact(effective):
        tokens = features.context_tokens if features else estimate_tokens(request.body)
        costs = expected_costs(tokens, effective, deps.calls.pricing)
    context = DecisionContext(
        now=now, time_left_ms=hop.deadline_at - now, costs=costs, stream=opened.stream
    )
    if work.tries.attempts:
        hop = replace(hop, attempts=tuple(work.tries.attempts))
    if features is not None and needs_llm_classification(features, effective):
        before = replace(hop, hop=BEFORE_HOPS, attempts=())
        asking = Hop.of(work, before, effective, request.body, trace)
        progress = HopProgress.of(asking, deps.kafka.publisher)
        async with progress.one_try():
            opinion = await opinion_on(features, progress, deps)
            await progress.acknowledged()
        context = replace(context, opinion=opinion)
        hop = replace(hop, attempts=progress.attempts)
        work.tries.attempts = list(hop.attempts)
    decision = decide(subject, snapshot, context, features)
    deps.observers.metrics.classified(decision.classifier, decision.tier)
    finding = deps.observers.drift_monitor.decided(
        decision.registry_version, decision.classifier, decision.score
    )
    await deps.observers.report(finding)
    return replace(hop, tier=decision.tier, decision=decision)


async def _dead_letter(
    message: Incoming, reason: str, intake: IntakePorts, kafka: KafkaPorts, observers: Observers
) -> None:
    """Dead-letter an unreadable request. Reply where its headers ask for a reply."""
    done = await kafka.dead_letters.put(message, "undecodable", reason)
    if message.header(*CORRELATION_IDS, *REPLY_TOPICS) is not None:
        addressed = await address_of(message, intake, kafka)
        reply = Reply(
            request_id=position_id(message, intake.cluster),
            status=JournalKind.REJECTED,
            cost_nano=0,
            latency_ms=float(max(kafka.clock.now() - message.timestamp, 0)),
            error=Failure(code="invalid_request", message=reason, retryable=False),
        )
        await deliver(reply, addressed.address, kafka, observers)
    await done
