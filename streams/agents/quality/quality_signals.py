"""Quality events for signals of the router about an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from core.kafka.producer import Outgoing
from schemas.encoding.avro_mapping import as_record
from schemas.events import QualityEvent
from schemas.records import Attempt
from schemas.topics import QUALITY
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.ports import KafkaPorts


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitySignal:
    """One signal about an answer: its kind, its source, a score 0..1, and details."""

    signal: str
    name: str
    score: float | None
    passed: bool | None = None
    label: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


async def publish_signal(
    progress: HopProgress, attempt: Attempt, signal: QualitySignal, kafka: KafkaPorts
) -> None:
    """Publish a signal about a call's answer."""
    hop, message = progress.hop, progress.hop.message
    event = QualityEvent(
        tenant=message.tenant,
        request_id=message.request_id,
        hop=message.hop,
        visit=message.visit,
        call_id=attempt.call_id,
        at=kafka.clock.now(),
        signal=signal.signal,
        name=signal.name,
        score=signal.score,
        passed=signal.passed,
        label=signal.label,
        detail=orjson.dumps(dict(signal.detail)).decode() if signal.detail else None,
        tier=attempt.tier,
        provider=attempt.provider,
        request_model=attempt.model,
        worker=kafka.me.worker,
        user_id=message.user_id,
        user_tier=message.user_tier,
        feature=message.feature,
        registry_version=hop.snapshot.version,
        experiment=message.decision.experiment,
        arm=message.decision.arm,
    )
    record = Outgoing(
        topic=QUALITY,
        key=hop.identity,
        value=kafka.codecs.quality.encode(as_record(event)),
        partition=hop.partition,
    )
    await progress.publish(record)
