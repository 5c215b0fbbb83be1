"""The cascade's confidence in an answer, as a quality event."""

from __future__ import annotations

import orjson

from schemas.events import QualityEvent
from schemas.mapping import as_record
from schemas.records import Attempt
from schemas.topics import QUALITY
from streams.agents.dependencies import Dependencies
from streams.agents.hop_state import HopState
from streams.flow.delivery import Outgoing
from streams.routing.confidence import Verdict


async def signal_confidence(
    hop: HopState, attempt: Attempt, verdict: Verdict, deps: Dependencies
) -> None:
    """Publish how sure the cascade is of an answer; the record joins the hop's pending ones."""
    message = hop.message
    threshold = hop.landscape.policy.cascade.threshold(message.tier)
    event = QualityEvent(
        tenant=message.tenant,
        request_id=message.request_id,
        hop=message.hop,
        visit=message.visit,
        call_id=attempt.call_id,
        at=deps.clock.now(),
        signal="cascade_confidence",
        name=hop.landscape.policy.cascade.scorer,
        score=verdict.confidence,
        passed=verdict.confidence >= threshold,
        label=verdict.faults[0].check if verdict.faults else None,
        detail=orjson.dumps(dict(verdict.parts)).decode(),
        tier=message.tier,
        provider=attempt.provider,
        request_model=attempt.model,
        worker=deps.me.worker,
        user_id=message.user_id,
        user_tier=message.user_tier,
        feature=message.feature,
        registry_version=hop.landscape.version,
        experiment=message.decision.experiment,
        arm=message.decision.arm,
    )
    record = Outgoing(
        topic=QUALITY,
        key=message.key,
        value=deps.codecs.quality.encode(as_record(event)),
        partition=hop.partition,
    )
    hop.pending.append(await deps.publisher.publish(record))
