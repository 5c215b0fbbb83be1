"""Conversion of event records to facts, decoding only what a rule needs.

Outcomes are read by their headers; values are decoded only if a rule needs the decided tier.
`started`, `parked` and `escalated` records are skipped. An unreadable record is skipped and noted
as a bad record.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from core.codecs import Codecs
from schemas.identity import split_identity
from schemas.journal_headers import Headers, JournalHeaders
from schemas.topics import COST, DEAD_LETTER_SUFFIX, OUTCOMES, QUALITY
from streams.alerts.log.event_facts import CallSeen, DeadLetterObserved, EndSeen, ScoreSeen, Seen
from streams.bad_input.bad_records import BadRecords, unwatched
from streams.routing.alert_rules import MeasureKind

_BY_CALLS = frozenset(
    {
        MeasureKind.COST_RATE,
        MeasureKind.FALLBACK_RATE,
        MeasureKind.PROVIDER_DOWN,
        MeasureKind.UNKNOWN_PRICE,
    }
)
_BY_ENDS = frozenset({MeasureKind.ERROR_RATE, MeasureKind.DISTRIBUTION_SHIFT})

REMEMBERED = 20_000
"""Outcomes kept, so that one written twice by a crash counts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One record of an event topic, or of a dead-letter topic; `at` is broker time, ms."""

    topic: str
    partition: int
    offset: int
    at: int
    key: bytes
    headers: Headers
    value: bytes


def topics_of(kinds: Collection[MeasureKind], known_topics: Collection[str]) -> frozenset[str]:
    """Return the existing topics that rules of these kinds measure."""
    wanted = set()
    if _BY_CALLS & set(kinds):
        wanted.add(COST)
    if _BY_ENDS & set(kinds):
        wanted.add(OUTCOMES)
    if MeasureKind.QUALITY_DROP in kinds:
        wanted.add(QUALITY)
    if MeasureKind.DEAD_LETTERS in kinds:
        wanted |= {topic for topic in known_topics if topic.endswith(DEAD_LETTER_SUFFIX)}
    return frozenset(wanted & set(known_topics))


class EventReader:
    """Reads records for rules of these kinds."""

    def __init__(
        self, codecs: Codecs, kinds: Collection[MeasureKind], bad: BadRecords | None = None
    ) -> None:
        self._bad = bad or unwatched()
        self._codecs = codecs
        self._with_tier = MeasureKind.DISTRIBUTION_SHIFT in kinds
        self._ended: OrderedDict[tuple[bytes, str], None] = OrderedDict()

    async def seen(self, record: EventRecord) -> Seen | None:
        """Return a record's fact; `None` if no rule counts it."""
        try:
            if record.topic == COST:
                return await self._call(record)
            if record.topic == OUTCOMES:
                return await self._end(record)
            if record.topic == QUALITY:
                return await self._score(record)
        except Exception as error:  # noqa: BLE001 - no record may end the reading of others
            self._bad.note(record.topic, record.partition, record.offset, error)
            return None
        return DeadLetterObserved(at=record.at, topic=record.topic.removesuffix(DEAD_LETTER_SUFFIX))

    async def _call(self, record: EventRecord) -> CallSeen:
        event = await self._codecs.decode(self._codecs.cost, record.value)
        return CallSeen(
            at=record.at,
            tenant=event["tenant"],
            model=event["request_model"],
            instance=event["instance"],
            purpose=event["purpose"],
            status=event["status"],
            cost_nano=event["cost_nano"],
            price_source=event["price_source"],
        )

    async def _end(self, record: EventRecord) -> EndSeen | None:
        headers = JournalHeaders.decode(record.headers)
        if not headers.final or self._again(record.key, headers.origin):
            return None
        tier = None
        if self._with_tier:
            event = await self._codecs.decode(self._codecs.outcome, record.value)
            tier = event["decision"]["tier"] if event["decision"] else None
        tenant, _ = split_identity(record.key)
        return EndSeen(at=record.at, tenant=tenant, status=headers.kind, decided_tier=tier)

    async def _score(self, record: EventRecord) -> ScoreSeen | None:
        event = await self._codecs.decode(self._codecs.quality, record.value)
        if event["score"] is None:
            return None
        return ScoreSeen(
            at=record.at, tier=event["tier"], signal=event["signal"], score=event["score"]
        )

    def _again(self, key: bytes, origin: str) -> bool:
        """Return whether this request, at this position of its topic, has ended before."""
        end = (key, origin)
        if end in self._ended:
            return True
        self._ended[end] = None
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        return False
