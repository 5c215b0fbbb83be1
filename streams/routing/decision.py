"""Decision on the first tier: static choices first, then the classifier (design, section 6).

A decision is a pure function of the request, the registry version and the recorded `inputs`, so a
replay reproduces it (law 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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

CODE_VERSION = "7"
"""Raised with every change that can alter a decision for the same inputs."""

STATIC = "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRequest:
    """Input of a decision: the request's own fields, without its position in the log."""

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
        """Return a request as its tenant sent it."""
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
    """Inputs of a decision beside the request: broker time and time left, in ms; the expected cost
    by tier, nano-USD, where the classifier weighs cost; the LLM classification; whether the caller
    takes the answer in parts.
    """

    now: int
    time_left_ms: int
    costs: Costs = field(default_factory=dict)
    opinion: LlmClassification | None = None
    stream: bool = False


def effective_snapshot(
    request: RoutingRequest, snapshot: RegistrySnapshot, *, stream: bool
) -> tuple[RegistrySnapshot, ArmAssignment | None]:
    """Return the snapshot that applies to a request: its arm's, or the registry's own, as it is for
    streamed requests if it is one.

    A request that pins a model or names a tier is in no experiment.
    """
    assignment = None
    if request.model is None and request.tier is None and snapshot.experiments:
        assignment = assign(
            snapshot, tenant=request.tenant, user_id=request.user_id, feature=request.feature
        )
    found = snapshot if assignment is None else assignment.snapshot
    return found.for_stream(stream=stream), assignment


def is_static(request: RoutingRequest, effective: RegistrySnapshot) -> bool:
    """Return whether the request needs no classification."""
    return (
        request.model is not None
        or request.tier is not None
        or _by_rule(request, effective) is not None
    )


def decide(
    request: RoutingRequest,
    snapshot: RegistrySnapshot,
    context: DecisionContext,
    features: Features | None = None,
) -> Decision:
    """Choose the first tier of a request; `features` are those of `features_of`, if they are
    extracted already.

    Raises:
        InvalidRequestError: the request pins a model or a tier that the registry does not have.
    """
    effective, assignment = effective_snapshot(request, snapshot, stream=context.stream)
    static = _pinned(request, effective) or _by_rule(request, effective)
    if static is not None:
        tier, model, reason = static
        return _decision(tier, effective, context, assignment, model=model, reasons=(reason,))
    if features is None:
        features = features_of(request, effective)
    found = assess(features, effective, context.costs, context.opinion)
    return assessed_decision(found, effective, context, assignment)


def features_of(request: RoutingRequest, snapshot: RegistrySnapshot) -> Features:
    """Return the features of a request, its quality filled in from the policy."""
    return extract_features(
        request.body,
        feature=request.feature,
        user_tier=request.user_tier,
        quality=snapshot.policy.quality_for(request.feature, request.quality),
        retrieval_scores=request.retrieval_scores,
        retrieval_query_type=request.retrieval_query_type,
        metadata=request.metadata,
    )


def _pinned(
    request: RoutingRequest, snapshot: RegistrySnapshot
) -> tuple[str, str | None, str] | None:
    if request.model is not None:
        model = snapshot.models.get(request.model)
        if model is None:
            raise InvalidRequestError(
                "model: not in the registry; leave it out to be routed, or name one of "
                + ", ".join(snapshot.models)
            )
        return model.tier, model.name, "the caller pinned the model"
    if request.tier is not None:
        if request.tier not in snapshot.tiers:
            raise InvalidRequestError(
                "tier: not in the registry; it has " + ", ".join(snapshot.tiers)
            )
        return request.tier, None, "the caller named the tier"
    return None


def _by_rule(request: RoutingRequest, snapshot: RegistrySnapshot) -> tuple[str, None, str] | None:
    for number, rule in enumerate(snapshot.policy.static_rules, start=1):
        if _matches(rule, request):
            return rule.tier, None, f"static rule {number}"
    return None


def _matches(rule: StaticRule, request: RoutingRequest) -> bool:
    return (
        (not rule.features or request.feature in rule.features)
        and (not rule.tenants or request.tenant in rule.tenants)
        and (not rule.user_tiers or request.user_tier in rule.user_tiers)
        and all(request.metadata.get(name) == value for name, value in rule.metadata.items())
    )


def assessed_decision(
    found: Assessment,
    effective: RegistrySnapshot,
    context: DecisionContext,
    assignment: ArmAssignment | None,
) -> Decision:
    """Return the decision that the policy's classifier makes by an assessment."""
    artifact = effective.artifact if uses_artifact(effective) else None
    return _decision(
        found.tier,
        effective,
        context,
        assignment,
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
    *,
    classifier: str = STATIC,
    score: float | None = None,
    model: str | None = None,
    reasons: tuple[str, ...] = (),
    artifact: str | None = None,
) -> Decision:
    inputs = ClassifyInputs(
        now=context.now,
        time_left_ms=context.time_left_ms,
        costs=context.costs,
        opinion=context.opinion,
        arm_draw=assignment.draw if assignment else None,
        arm_probability=assignment.probability if assignment else None,
        stream=context.stream,
    )
    return Decision(
        classifier=classifier,
        score=score,
        tier=tier,
        model=model,
        reasons=reasons,
        registry_version=effective.version,
        code_version=CODE_VERSION,
        artifact=artifact,
        experiment=assignment.experiment if assignment else None,
        arm=assignment.arm if assignment else None,
        propensity=assignment.probability if assignment else None,
        inputs=inputs.encode(),
    )
