"""Mapping of topics to tables, and of fields to columns.

Besides the listed columns, every table has `topic, partition, offset` (position of the record),
`appended_at` (broker time) and `ingested_at` (the sink's time). Column names follow OpenTelemetry's
GenAI fields without the prefix. A trailing `?` keeps NULL, where unknown has a meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.encoding.avro_schemas import Schema, whole_schema
from schemas.topic_declarations import declared_topics
from schemas.topics import (
    ALERTS,
    COST,
    DEAD_LETTER_SUFFIX,
    OUTCOMES,
    QUALITY,
    REGISTRY,
    REPLAY_DECISIONS,
    REQUESTS,
    TIER_TOPIC_PATTERN,
)
from sinks.rows.document_rows import DEAD_LETTER, REGISTRY_ENTRY


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """A table that is filled from the log.

    `columns` maps a column to its source in the event (`columns.column_expression`); `repeats`
    states whether the table has a `repeat` flag.
    """

    name: str
    event: Schema
    columns: Mapping[str, str]
    repeats: bool = False


def _same(*names: str) -> dict[str, str]:
    return {name.removesuffix("?"): name for name in names}


_REQUEST_COLUMNS = _same("tenant", "request_id", "user_id", "user_tier", "feature")
_UNDER = _same("registry_version", "experiment", "arm")

CALLS = EventTable(
    name="calls",
    event=whole_schema("CostEvent"),
    repeats=True,
    columns=_REQUEST_COLUMNS
    | _UNDER
    | _same(
        "hop", "visit", "call_id", "purpose", "propensity?", "at", "started_at?", "tier",
        "provider",
        "request_model", "response_model", "instance", "status", "http_status?", "finish_reason",
        "input_tokens?", "output_tokens?", "cache_read_tokens?", "cache_write_tokens?",
        "reasoning_tokens?", "cache_write_1h_tokens?", "audio_input_tokens?",
        "audio_output_tokens?", "web_searches?", "service_tier", "speed", "geography",
        "unknown_usage", "price_source", "latency_ms?", "worker", "incarnation", "late",
    )
    | {"cost": "cost_nano?"},
)  # fmt: skip

QUALITY_SIGNALS = EventTable(
    name="quality",
    event=whole_schema("QualityEvent"),
    columns=_REQUEST_COLUMNS
    | _UNDER
    | _same(
        "hop?", "visit?", "call_id", "at", "signal", "name", "score?", "passed?", "label",
        "comment", "detail", "tier", "provider", "request_model", "worker",
    ),
)  # fmt: skip

OUTCOME_RECORDS = EventTable(
    name="outcomes",
    event=whole_schema("OutcomeEvent"),
    repeats=True,
    columns=_REQUEST_COLUMNS
    | _same(
        "hop",
        "visit",
        "kind",
        "final",
        "at",
        "worker",
        "incarnation",
        "call_id",
        "purpose",
        "lease_until?",
        "tier",
        "next_tier",
        "provider",
        "request_model",
        "instance",
        "quality",
        "deadline_at",
    )
    | {
        "source_topic": "source.topic",
        "source_partition": "source.partition",
        "source_offset": "source.offset",
        "requested_at": "source.timestamp",
        "classifier": "decision.classifier",
        "score": "decision.score?",
        "decided_tier": "decision.tier",
        "pinned_model": "decision.model",
        "reasons": "decision.reasons",
        "registry_version": "decision.registry_version",
        "code_version": "decision.code_version",
        "artifact": "decision.artifact",
        "experiment": "decision.experiment",
        "arm": "decision.arm",
        "propensity": "decision.propensity?",
        "decision_inputs": "decision.inputs",
        "answer_model": "result.model",
        "answer_provider": "result.provider",
        "tiers_tried": "result.tiers_tried",
        "calls": "result.calls",
        "cost": "result.cost_nano?",
        "baseline_model": "result.baseline_model",
        "baseline_cost": "result.baseline_cost_nano?",
        "input_tokens": "result.input_tokens?",
        "output_tokens": "result.output_tokens?",
        "confidence": "result.confidence?",
        "degraded": "result.degraded",
        "finish_reason": "result.finish_reason",
        "latency_ms": "result.latency_ms?",
        "provider_ms": "result.provider_ms?",
        "fallbacks": "result.fallbacks",
        "reply_topic": "result.reply_topic",
        "undeliverable": "result.undeliverable",
        "prompt": "result.prompt",
        "answer": "result.answer",
        "answer_tier": "result.answer_tier",
        "calls_ms": "result.calls_ms?",
        "waited": "result.waited",
        "error_code": "error.code",
        "error_message": "error.message",
        "error_retryable": "error.retryable",
    },
)

ALERT_RECORDS = EventTable(
    name="alerts",
    event=whole_schema("Alert"),
    columns=_same(
        "rule", "subject", "state", "severity", "message", "at", "worker", "value?", "threshold?"
    ),
)

REGISTRY_VERSIONS = EventTable(
    name="registry_versions",
    event=REGISTRY_ENTRY,
    columns=_same("entry", "version", "published_by", "size"),
)

REPLAY_DECISIONS_TABLE = EventTable(
    name="replay_decisions",
    event=whole_schema("ReplayDecision"),
    columns=_same(
        "run_id", "kind", "at", "tenant", "request_id", "user_id", "user_tier", "feature", "how",
        "same?", "from_tier", "from_model", "from_score?", "from_version", "request_model",
        "models", "marks", "difficulty?", "tokens?", "chance_models", "chance_values",
        "refusal", "document",
    )
    | {
        "decision": "decision.inputs",
        "source_topic": "source.topic",
        "source_partition": "source.partition",
        "source_offset": "source.offset",
        "requested_at": "source.timestamp",
        "tier": "decision.tier",
        "pinned_model": "decision.model",
        "classifier": "decision.classifier",
        "score": "decision.score?",
        "reasons": "decision.reasons",
        "registry_version": "decision.registry_version",
        "code_version": "decision.code_version",
        "artifact": "decision.artifact",
        "experiment": "decision.experiment",
        "arm": "decision.arm",
    },
)  # fmt: skip

DEAD_LETTERS = EventTable(
    name="dead_letters",
    event=DEAD_LETTER,
    columns=_same("cause", "reason", "source", "worker", "sha256", "size", "key_size", "headers"),
)

TABLES = (
    CALLS,
    QUALITY_SIGNALS,
    OUTCOME_RECORDS,
    ALERT_RECORDS,
    REGISTRY_VERSIONS,
    REPLAY_DECISIONS_TABLE,
    DEAD_LETTERS,
)

_BY_TOPIC = {
    COST: CALLS,
    QUALITY: QUALITY_SIGNALS,
    OUTCOMES: OUTCOME_RECORDS,
    ALERTS: ALERT_RECORDS,
    REGISTRY: REGISTRY_VERSIONS,
    REPLAY_DECISIONS: REPLAY_DECISIONS_TABLE,
}


def topic_pattern(request_topics: Sequence[str] = (REQUESTS,)) -> str:
    """Return a regular expression of every topic that the sink reads.

    It includes only Sluice's own dead-letter topics: records of other teams are out of scope, and
    their headers can contain credentials. The tiers are unknown here, so tier topics are matched by
    their form.
    """
    declared = declared_topics((), request_topics=request_topics)
    dead = [each.name for each in declared if each.name.endswith(DEAD_LETTER_SUFFIX)]
    names = "|".join(re.escape(name) for name in (*_BY_TOPIC, *dead))
    return f"^({names}|{TIER_TOPIC_PATTERN}{re.escape(DEAD_LETTER_SUFFIX)})$"


def table_of(topic: str) -> EventTable:
    """Return the table of a topic that matches `topic_pattern`.

    Raises:
        KeyError: the sink does not read this topic.
    """
    if topic.endswith(DEAD_LETTER_SUFFIX):
        return DEAD_LETTERS
    return _BY_TOPIC[topic]
