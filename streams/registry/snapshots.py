"""Conversion of a validated registry document to routing's snapshot, with one for each arm.

Every model under a blocking budget needs a price, else its calls would be free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from schemas.errors import ArtifactError
from streams.providers.pricing.price_list import PriceBook
from streams.registry.document.alerts import alerting_of
from streams.registry.document.booleans import booleans_as_numbers
from streams.registry.document.budgets import budget_of
from streams.registry.document.document import RegistryDocument
from streams.registry.document.document_problems import artifact_missing, problems_in
from streams.registry.document.models import InstancePart, ModelPart, PricePart, TokenPricePart
from streams.registry.document.policy import ExperimentPart
from streams.registry.document.problems import InvalidRegistryError, Problem
from streams.registry.document.yaml_text import YamlText
from streams.registry.learned import ArtifactOf, with_artifact
from streams.registry.model_families import refused_by_family
from streams.registry.policies import policy_of
from streams.routing.extra_names import USUAL
from streams.routing.snapshot import (
    Arm,
    Experiment,
    Instance,
    Limits,
    ListPrice,
    Model,
    Privacy,
    RegistrySnapshot,
    TokenPrice,
)


def snapshot_of(
    document: RegistryDocument, version: str, *, name: str, artifacts: ArtifactOf, text: YamlText
) -> RegistrySnapshot:
    """Return the snapshot of a document, with those of its arms; `text` locates faults.

    Raises:
        RegistryError: an arm is invalid, an artifact is missing or does not match, or a model under
            a
            budget has no price.
    """
    plain = _plain_snapshot(document, version)
    snapshot = _with_learned(plain, document, name, artifacts, text)
    refuse_unpriced(snapshot, name)
    experiments = tuple(
        _experiment(document, title, part, plain, name=name, artifacts=artifacts, text=text)
        for title, part in sorted(document.experiments.items())
    )
    return replace(snapshot, experiments=experiments)


def _plain_snapshot(document: RegistryDocument, version: str) -> RegistrySnapshot:
    return RegistrySnapshot(
        version=version,
        tiers=document.tiers,
        models={title: _model(title, part) for title, part in document.models.items()},
        baseline=document.baseline,
        privacy=Privacy(**document.privacy.model_dump()),
        policy=policy_of(document.policy),
        tenant_limits={
            tenant: Limits(**part.model_dump()) for tenant, part in document.tenants.items()
        },
        budgets=tuple(budget_of(title, part) for title, part in sorted(document.budgets.items())),
        alerting=alerting_of(document.alerts),
    )


def _with_learned(
    snapshot: RegistrySnapshot,
    document: RegistryDocument,
    name: str,
    artifacts: ArtifactOf,
    text: YamlText,
) -> RegistrySnapshot:
    """Add the artifact that the document's policy needs, if any."""
    if not document.policy.needs_artifact:
        return snapshot
    learned = document.policy.learned
    try:
        artifact = artifacts(learned.artifact)
    except ArtifactError as error:
        raise artifact_missing(name, error, text) from None
    return with_artifact(snapshot, learned, artifact, name)


def _experiment(
    document: RegistryDocument,
    title: str,
    part: ExperimentPart,
    plain: RegistrySnapshot,
    *,
    name: str,
    artifacts: ArtifactOf,
    text: YamlText,
) -> Experiment:
    arms = []
    for arm, arm_part in part.arms.items():
        place = f"{name}: experiments.{title}.arms.{arm}"
        try:
            seen = document.under(title, arm)
        except ValidationError as error:
            under = ("experiments", title, "arms", arm)
            raise InvalidRegistryError(place, problems_in(error, text, under)) from None
        own_policy = YamlText(value=arm_part.policy, lines=text.lines)
        place_of = ("experiments", title, "arms", arm, "policy")
        wrong = booleans_as_numbers(own_policy, seen.policy.model_dump(), place_of)
        if wrong and text.lines:
            raise InvalidRegistryError(place, wrong)
        # An arm differs in its policy only.
        policy = policy_of(seen.policy, (document.policy, plain.policy))
        own = replace(plain, policy=policy)
        snapshot = _with_learned(own, seen, place, artifacts, text)
        arms.append(Arm(name=arm, weight=arm_part.weight, snapshot=snapshot))
    return Experiment(
        name=title,
        arms=tuple(arms),
        share=part.share,
        features=frozenset(part.feature),
        tenants=frozenset(part.tenant),
    )


def _model(name: str, part: ModelPart) -> Model:
    return Model(
        name=name,
        provider=part.provider,
        provider_model=part.model or name,
        tier=part.tier,
        capabilities=frozenset(part.capabilities),
        context_window=part.context_window,
        max_output=part.max_output,
        expected_latency_ms=part.expected_latency_ms,
        instances=tuple(_instance(instance) for instance in part.instances),
        price=_price(part.price) if part.price else None,
        unsupported=_unsupported(name, part),
        extra_body=USUAL if part.extra_body is None else part.extra_body,
    )


def _unsupported(name: str, part: ModelPart) -> frozenset[str]:
    if part.unsupported is not None:
        return part.unsupported
    return refused_by_family(part.model or name)


def _price(part: PricePart) -> ListPrice:
    return ListPrice(
        **_token_prices(part),
        web_search=part.web_search,
        service_tiers=_variants(part.service_tiers),
        speeds=_variants(part.speeds),
        geographies=tuple(sorted((part.geographies or {}).items())),
    )


def _variants(parts: Mapping[str, TokenPricePart] | None) -> tuple[tuple[str, TokenPrice], ...]:
    return tuple(
        (name, TokenPrice(**_token_prices(part))) for name, part in sorted((parts or {}).items())
    )


def _token_prices(part: TokenPricePart) -> dict[str, Any]:
    return {field: getattr(part, field) for field in TokenPricePart.model_fields}


def _instance(part: InstancePart) -> Instance:
    return Instance(
        name=part.name,
        base_url=part.base_url,
        api_key_env=part.api_key_env,
        api_version=part.api_version,
        weight=part.weight,
        limits=part.limits,
    )


def refuse_unpriced(snapshot: RegistrySnapshot, name: str, prices: PriceBook | None = None) -> None:
    """Check that every model under a downgrading or rejecting budget has a price today.

    Raises:
        RegistryError: some have none; the error names all of them.
    """
    binding = [budget for budget in snapshot.budgets if budget.binds]
    if not binding:
        return
    book = prices or PriceBook()
    problems = []
    for model in snapshot.models.values():
        concerned = [
            budget.meter.name
            for budget in binding
            if model.name in budget.meter.match.get("model", (model.name,))
        ]
        if concerned and book.quote(model) is None:
            problems.append(
                Problem(
                    path=f"models.{model.name}.price",
                    message=f"required, because its calls count against budgets.{concerned[0]}, "
                    f"and there is no list price; set models.{model.name}.price",
                )
            )
    if problems:
        raise InvalidRegistryError(name, problems)
