"""Where a request starts: static choices first, then the classifier (design, section 6).

A decision is a pure function of the request, the registry version and the `inputs` recorded with
it, so that a replay decides the same again (law 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.errors import InvalidRequestError
from schemas.records import Decision
from schemas.request import Request
from streams.routing.assessment import Assessment, Costs, assess, uses_artifact
from streams.routing.decision_inputs import ClassifyInputs
from streams.routing.experiments import ArmAssignment, assign
from streams.routing.features.request_features import Features, extract_features
from streams.routing.llm.classification import LlmClassification
from streams.routing.policy import StaticRule
from streams.routing.snapshot import RegistrySnapshot

CODE_VERSION = "6"
"""Raised with every change that can make the same inputs decide otherwise."""

STATIC = "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRequest:
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
    def of(cls, request: Request, tenant: str) -> RoutingRequest:
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
class DecisionContext:
    """What a decision needs beside the request: broker time, and time left, in ms; the expected
    cost by tier, nano-USD, where the classifier weighs cost; what a model that was asked said.
    """

    now: int
    time_left_ms: int
    costs: Costs = field(default_factory=dict)
    opinion: LlmClassification | None = None


def effective_snapshot(
    subject: RoutingRequest, snapshot: RegistrySnapshot
) -> tuple[RegistrySnapshot, ArmAssignment | None]:
    """What a request is decided by: its arm's snapshot, or the registry's own.

    Who pins a model or names a tier is in no experiment: there is nothing to try on them.
    """
    if subject.model is not None or subject.tier is not None or not snapshot.experiments:
        return snapshot, None
    assignment = assign(
        snapshot, tenant=subject.tenant, user_id=subject.user_id, feature=subject.feature
    )
    return (snapshot, None) if assignment is None else (assignment.snapshot, assignment)


def is_static(subject: RoutingRequest, ground: RegistrySnapshot) -> bool:
    """Whether nobody needs to classify this request."""
    return (
        subject.model is not None
        or subject.tier is not None
        or _by_rule(subject, ground) is not None
    )


def decide(
    subject: RoutingRequest, snapshot: RegistrySnapshot, moment: DecisionContext
) -> Decision:
    """Choose the tier on which a request starts.

    Raises:
        InvalidRequestError: the request pins a model or a tier that the registry does not have.
    """
    ground, assignment = effective_snapshot(subject, snapshot)
    static = _pinned(subject, ground) or _by_rule(subject, ground)
    if static is not None:
        tier, model, reason = static
        return replace(_decision(tier, ground, moment, assignment), model=model, reasons=(reason,))
    found = assess(features_of(subject, ground), ground, moment.costs, moment.opinion)
    return assessed_decision(found, ground, moment, assignment)


def features_of(subject: RoutingRequest, snapshot: RegistrySnapshot) -> Features:
    """The features of a subject, its quality filled in from the policy."""
    return extract_features(
        subject.body,
        feature=subject.feature,
        user_tier=subject.user_tier,
        quality=snapshot.policy.quality_for(subject.feature, subject.quality),
        retrieval_scores=subject.retrieval_scores,
        retrieval_query_type=subject.retrieval_query_type,
        metadata=subject.metadata,
    )


def _pinned(
    subject: RoutingRequest, snapshot: RegistrySnapshot
) -> tuple[str, str | None, str] | None:
    if subject.model is not None:
        model = snapshot.models.get(subject.model)
        if model is None:
            raise InvalidRequestError(
                "model: not in the registry; leave it out to be routed, or name one of "
                + ", ".join(snapshot.models)
            )
        return model.tier, model.name, "the caller pinned the model"
    if subject.tier is not None:
        if subject.tier not in snapshot.tiers:
            raise InvalidRequestError(
                "tier: not in the registry; it has " + ", ".join(snapshot.tiers)
            )
        return subject.tier, None, "the caller named the tier"
    return None


def _by_rule(subject: RoutingRequest, snapshot: RegistrySnapshot) -> tuple[str, None, str] | None:
    for number, rule in enumerate(snapshot.policy.static_rules, start=1):
        if _matches(rule, subject):
            return rule.tier, None, f"static rule {number}"
    return None


def _matches(rule: StaticRule, subject: RoutingRequest) -> bool:
    return (
        (not rule.features or subject.feature in rule.features)
        and (not rule.tenants or subject.tenant in rule.tenants)
        and (not rule.user_tiers or subject.user_tier in rule.user_tiers)
        and all(subject.metadata.get(name) == value for name, value in rule.metadata.items())
    )


def assessed_decision(
    found: Assessment,
    effective: RegistrySnapshot,
    context: DecisionContext,
    assignment: ArmAssignment | None,
) -> Decision:
    """Return the decision that the policy's classifier makes by an assessment."""
    artifact = effective.artifact if uses_artifact(effective) else None
    return replace(
        _decision(found.tier, effective, context, assignment),
        classifier=effective.policy.classifier,
        score=found.score,
        reasons=found.reasons,
        artifact=None if artifact is None else artifact.hash,
    )


def _decision(
    tier: str,
    effective: RegistrySnapshot,
    context: DecisionContext,
    assignment: ArmAssignment | None,
) -> Decision:
    inputs = ClassifyInputs(
        now=context.now,
        time_left_ms=context.time_left_ms,
        costs=context.costs,
        opinion=context.opinion,
        arm_draw=assignment.draw if assignment else None,
        arm_probability=assignment.probability if assignment else None,
    )
    return Decision(
        classifier=STATIC,
        score=None,
        tier=tier,
        model=None,
        reasons=(),
        registry_version=effective.version,
        code_version=CODE_VERSION,
        experiment=assignment.experiment if assignment else None,
        arm=assignment.arm if assignment else None,
        propensity=assignment.probability if assignment else None,
        inputs=inputs.encode(),
    )
