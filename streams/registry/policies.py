"""Conversion of the registry file's policy to the values of routing."""

from __future__ import annotations

from schemas.records import NANO
from streams.registry.document.policy import (
    AskedModelPart,
    CascadePart,
    FeaturePart,
    PolicyPart,
    ShadowPart,
    StaticRulePart,
)
from streams.routing.policy import (
    AskedModel,
    CascadePolicy,
    FeaturePolicy,
    LearnedPolicy,
    Policy,
    ShadowPolicy,
    StaticRule,
)


def policy_of(part: PolicyPart, like: tuple[PolicyPart, Policy] | None = None) -> Policy:
    """Convert a validated policy; static rules shared with the policy in `like` are reused."""
    if like is not None and like[0].static == part.static:
        static_rules = like[1].static_rules
    else:
        static_rules = tuple(_static(rule) for rule in part.static)
    return Policy(
        classifier=part.classifier,
        boundaries=part.boundaries,
        learned=LearnedPolicy(columns=part.learned.columns),
        hybrid=part.hybrid,
        llm=_called_model(part.llm),
        judge=_called_model(part.judge),
        shadow=_shadow(part.shadow),
        per_feature={feature: _feature(own) for feature, own in part.features.items()},
        default_quality=part.quality,
        static_rules=static_rules,
        cascade=_cascade(part.cascade),
        fallback=part.fallback,
        retrieval=part.retrieval,
        timeouts=part.timeouts,
        streaming=part.streaming,
    )


def _called_model(part: AskedModelPart | None) -> AskedModel | None:
    return None if part is None else AskedModel(model=part.model, timeout_ms=part.timeout_ms)


def _shadow(part: ShadowPart | None) -> ShadowPolicy | None:
    if part is None or part.share == 0:
        return None
    return ShadowPolicy(share=part.share, nano_per_day=int(part.usd_per_day * NANO))


def _feature(part: FeaturePart) -> FeaturePolicy:
    return FeaturePolicy(
        quality=part.quality, boundaries=part.boundaries, thresholds=part.thresholds
    )


def _static(rule: StaticRulePart) -> StaticRule:
    return StaticRule(
        tier=rule.tier,
        features=frozenset(rule.when.feature),
        tenants=frozenset(rule.when.tenant),
        user_tiers=frozenset(rule.when.user_tier),
        metadata=rule.when.metadata,
    )


def _cascade(part: CascadePart) -> CascadePolicy:
    return CascadePolicy(
        enabled=part.enabled,
        scorer=part.confidence,
        stop=part.stop,
        thresholds=part.thresholds,
        default_threshold=part.default_threshold,
        max_hops=part.max_hops,
        grey=part.grey,
        logprobs=part.logprobs,
    )
