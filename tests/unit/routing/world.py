"""A small snapshot of models for the tests of routing."""

from __future__ import annotations

from streams.routing.policy import CascadePolicy, Policy, StaticRule
from streams.routing.selection.candidates import Candidate
from streams.routing.snapshot import CAPABILITIES, Instance, Model, RegistrySnapshot

TIERS = ("simple", "moderate", "complex")


def model(
    name: str,
    tier: str = "simple",
    instances: tuple[str, ...] = ("a",),
    *,
    capabilities: frozenset[str] = CAPABILITIES,
    context_window: int = 10_000,
    max_output: int = 1_000,
    expected_latency_ms: float = 1_000.0,
    weights: tuple[float, ...] = (),
) -> Model:
    """A model; `weights` belong to `instances`, 1 each by default."""
    shares = weights or (1.0,) * len(instances)
    return Model(
        name=name,
        provider="openai",
        provider_model=name,
        tier=tier,
        capabilities=capabilities,
        context_window=context_window,
        max_output=max_output,
        expected_latency_ms=expected_latency_ms,
        instances=tuple(
            Instance(name=place, base_url=f"http://127.0.0.1/{place}", weight=weight)
            for place, weight in zip(instances, shares, strict=True)
        ),
    )


def snapshot(
    *models: Model,
    tiers: tuple[str, ...] = TIERS,
    classifier: str = "rules",
    rules: tuple[StaticRule, ...] = (),
    cascade: CascadePolicy | None = None,
) -> RegistrySnapshot:
    """A snapshot of these models; one a tier by default."""
    known = models or tuple(model(f"{tier}-1", tier) for tier in tiers)
    policy = Policy(classifier=classifier, static_rules=rules, cascade=cascade or CascadePolicy())
    return RegistrySnapshot(
        version="0123456789abcdef",
        tiers=tiers,
        models={each.name: each for each in known},
        policy=policy,
    )


def candidates(*models: Model) -> tuple[Candidate, ...]:
    """Every instance of these models, in order."""
    return tuple(
        Candidate(model=each, instance=instance) for each in models for instance in each.instances
    )
