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
from streams.routing.assessment import Costs, assess, uses_artifact
from streams.routing.experiments import Assignment, assign
from streams.routing.features.request_features import Features, extract_features
from streams.routing.llm.classification import Opinion
from streams.routing.policy import StaticRule
from streams.routing.snapshot import Landscape

CODE_VERSION = "6"
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
    cost by tier, nano-USD, where the classifier weighs cost; what a model that was asked said.
    """

    now: int
    time_left_ms: int
    costs: Costs = field(default_factory=dict)
    opinion: Opinion | None = None


def ground_of(subject: Subject, landscape: Landscape) -> tuple[Landscape, Assignment | None]:
    """What a request is decided by: its arm's landscape, or the registry's own.

    Who pins a model or names a tier is in no experiment: there is nothing to try on them.
    """
    if subject.model is not None or subject.tier is not None or not landscape.experiments:
        return landscape, None
    assignment = assign(
        landscape, tenant=subject.tenant, user_id=subject.user_id, feature=subject.feature
    )
    return (landscape, None) if assignment is None else (assignment.landscape, assignment)


def is_static(subject: Subject, ground: Landscape) -> bool:
    """Whether nobody needs to classify this request."""
    return (
        subject.model is not None
        or subject.tier is not None
        or _by_rule(subject, ground) is not None
    )


def decide(subject: Subject, landscape: Landscape, moment: Moment) -> Decision:
    """Choose the tier on which a request starts.

    Raises:
        InvalidRequestError: the request pins a model or a tier that the registry does not have.
    """
    ground, assignment = ground_of(subject, landscape)
    static = _pinned(subject, ground) or _by_rule(subject, ground)
    if static is not None:
        tier, model, reason = static
        return _decision(
            _Choice(classifier=STATIC, tier=tier, model=model, reasons=(reason,)),
            ground,
            moment,
            assignment,
        )
    found = assess(features_of(subject, ground), ground, moment.costs, moment.opinion)
    return _decision(
        _Choice(
            classifier=ground.policy.classifier,
            score=found.score,
            tier=found.tier,
            reasons=found.reasons,
            artifact=ground.artifact.hash if ground.artifact and uses_artifact(ground) else None,
        ),
        ground,
        moment,
        assignment,
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
        metadata=subject.metadata,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    classifier: str
    tier: str
    reasons: tuple[str, ...]
    score: float | None = None
    model: str | None = None
    artifact: str | None = None


def _decision(
    choice: _Choice, ground: Landscape, moment: Moment, assignment: Assignment | None
) -> Decision:
    inputs: dict[str, Any] = {"now": moment.now, "time_left_ms": moment.time_left_ms}
    if moment.costs:
        inputs["costs"] = dict(moment.costs)
    if moment.opinion is not None:
        inputs["opinion"] = moment.opinion.as_inputs()
    if assignment is not None:
        inputs["arm"] = assignment.as_inputs()
    return Decision(
        classifier=choice.classifier,
        score=choice.score,
        tier=choice.tier,
        model=choice.model,
        reasons=choice.reasons,
        registry_version=ground.version,
        code_version=CODE_VERSION,
        artifact=choice.artifact,
        experiment=assignment.experiment if assignment else None,
        arm=assignment.arm if assignment else None,
        propensity=assignment.probability if assignment else None,
        inputs=orjson.dumps({"classify": inputs}, option=orjson.OPT_SORT_KEYS).decode(),
    )
