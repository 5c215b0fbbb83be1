"""Where a request starts: static choices first, then the classifier (design, section 6).

A decision is a pure function of the request, the registry version and the `inputs` recorded with
it, so that a replay decides the same again (law 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.errors import InvalidRequestError
from schemas.records import Decision
from schemas.request import Request
from streams.routing.assessment import Costs, assess
from streams.routing.features import Features, extract_features
from streams.routing.landscape import Landscape, StaticRule

CODE_VERSION = "2"
"""Raised with every change that can make the same inputs decide otherwise."""

STATIC = "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is decided about: the request's own fields, without its place in the log."""

    body: Mapping[str, Any]
    tenant: str
    model: str | None = None
    tier: str | None = None
    user_id: str | None = None
    user_tier: str | None = None
    feature: str | None = None
    quality: str | None = None
    retrieval_scores: tuple[float, ...] = ()
    retrieval_query_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request, tenant: str) -> Subject:
        """A request as its tenant sent it."""
        return cls(
            body=request.body,
            tenant=tenant,
            model=request.model,
            tier=request.tier,
            user_id=request.user_id,
            user_tier=request.user_tier,
            feature=request.feature,
            quality=request.quality,
            retrieval_scores=request.retrieval_scores,
            retrieval_query_type=request.retrieval_query_type,
            metadata=request.metadata,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a decision needs beside the request: broker time, and time left, in ms; the expected
    cost by tier, nano-USD, where the classifier weighs cost.
    """

    now: int
    time_left_ms: int
    costs: Costs = field(default_factory=dict)


def decide(subject: Subject, landscape: Landscape, moment: Moment) -> Decision:
    """Choose the tier on which a request starts.

    Raises:
        InvalidRequestError: the request pins a model or a tier that the registry does not have.
    """
    static = _pinned(subject, landscape) or _by_rule(subject, landscape)
    if static is not None:
        tier, model, reason = static
        return _decision(
            landscape,
            moment,
            classifier=STATIC,
            score=None,
            tier=tier,
            model=model,
            reasons=(reason,),
        )
    found = assess(features_of(subject, landscape), landscape, moment.costs)
    return _decision(
        landscape,
        moment,
        classifier=landscape.policy.classifier,
        score=found.score,
        tier=found.tier,
        model=None,
        reasons=found.reasons,
    )


def features_of(subject: Subject, landscape: Landscape) -> Features:
    """The features of a subject, its quality filled in from the policy."""
    return extract_features(
        subject.body,
        feature=subject.feature,
        user_tier=subject.user_tier,
        quality=landscape.policy.quality_for(subject.feature, subject.quality),
        retrieval_scores=subject.retrieval_scores,
        retrieval_query_type=subject.retrieval_query_type,
    )


def _pinned(subject: Subject, landscape: Landscape) -> tuple[str, str | None, str] | None:
    if subject.model is not None:
        model = landscape.models.get(subject.model)
        if model is None:
            raise InvalidRequestError(
                "model: not in the registry; leave it out to be routed, or name one of "
                + ", ".join(landscape.models)
            )
        return model.tier, model.name, "the caller pinned the model"
    if subject.tier is not None:
        if subject.tier not in landscape.tiers:
            raise InvalidRequestError(
                "tier: not in the registry; it has " + ", ".join(landscape.tiers)
            )
        return subject.tier, None, "the caller named the tier"
    return None


def _by_rule(subject: Subject, landscape: Landscape) -> tuple[str, None, str] | None:
    for number, rule in enumerate(landscape.policy.static_rules, start=1):
        if _matches(rule, subject):
            return rule.tier, None, f"static rule {number}"
    return None


def _matches(rule: StaticRule, subject: Subject) -> bool:
    return (
        (not rule.features or subject.feature in rule.features)
        and (not rule.tenants or subject.tenant in rule.tenants)
        and (not rule.user_tiers or subject.user_tier in rule.user_tiers)
        and all(subject.metadata.get(name) == value for name, value in rule.metadata.items())
    )


def _decision(
    landscape: Landscape,
    moment: Moment,
    *,
    classifier: str,
    score: float | None,
    tier: str,
    model: str | None,
    reasons: tuple[str, ...],
) -> Decision:
    inputs: dict[str, Any] = {"now": moment.now, "time_left_ms": moment.time_left_ms}
    if moment.costs:
        inputs["costs"] = dict(moment.costs)
    return Decision(
        classifier=classifier,
        score=score,
        tier=tier,
        model=model,
        reasons=reasons,
        registry_version=landscape.version,
        code_version=CODE_VERSION,
        inputs=orjson.dumps({"classify": inputs}, option=orjson.OPT_SORT_KEYS).decode(),
    )
