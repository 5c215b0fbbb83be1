"""A decision as the journal recorded it, and what of its inputs a replay starts from (law 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.records import Decision, Source
from streams.routing.decision import DecisionContext
from streams.routing.llm.classification import LlmClassification

NEVER_DECIDED = "none"
"""Classifier of a request that was refused, or over, before anything was decided."""

_CLASSIFY = "classify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One request's first terminal outcome: who, where it lies in the log, what was decided.

    `tenant` is the one that counted, which a request topic may have set; `feature` and `user_tier`
    are the caller's; `ended_tier` is the tier whose answer was sent, empty where none was.
    """

    tenant: str
    request_id: str
    source: Source
    decision: Decision
    user_id: str | None = None
    user_tier: str | None = None
    feature: str | None = None
    ended_tier: str = ""

    @property
    def was_decided(self) -> bool:
        """Whether there is a decision to hold another against."""
        return self.decision.classifier != NEVER_DECIDED


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedInputs:
    """The `classify` part of a decision's inputs, as it was and taken apart.

    `arm` is the draw of an experiment, if there was one.
    """

    plain: Mapping[str, Any]
    moment: DecisionContext


def inputs_of(decision: Decision) -> RecordedInputs:
    """What was known when this was decided.

    Raises:
        KeyError: the decision recorded none; its code was older than replays.
    """
    plain = orjson.loads(decision.inputs)[_CLASSIFY]
    said = plain.get("opinion")
    return RecordedInputs(
        plain=plain,
        moment=DecisionContext(
            now=plain["now"],
            time_left_ms=plain["time_left_ms"],
            costs=plain.get("costs") or {},
            opinion=None if said is None else _opinion(said),
        ),
    )


def _opinion(said: Mapping[str, Any]) -> LlmClassification:
    return LlmClassification(
        tier=said.get("tier"),
        score=said.get("score"),
        reason=said.get("reason", ""),
        failed=said.get("failed"),
        cached=said.get("cached", False),
        call_id=said.get("call"),
    )


def same_decision(recorded: Decision, again: Decision) -> bool:
    """Whether both say the same from the same inputs, to the last bit.

    What later hops added to the inputs is left out: it is no part of where a request starts.
    """
    return (
        recorded.tier == again.tier
        and recorded.score == again.score
        and recorded.model == again.model
        and recorded.classifier == again.classifier
        and recorded.reasons == again.reasons
        and recorded.registry_version == again.registry_version
        and recorded.code_version == again.code_version
        and recorded.artifact == again.artifact
        and recorded.experiment == again.experiment
        and recorded.arm == again.arm
        and recorded.propensity == again.propensity
        and orjson.loads(recorded.inputs)[_CLASSIFY] == orjson.loads(again.inputs)[_CLASSIFY]
    )
