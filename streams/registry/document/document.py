"""The registry file: one YAML document, validated by pydantic.

Errors name the path and the allowed values. `json_schema()` is published for editors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from streams.redaction.redactor import KINDS
from streams.registry.document.alerts import AlertsPart
from streams.registry.document.budgets import BudgetPart, budget_problems
from streams.registry.document.experiments import ExperimentPart
from streams.registry.document.models import (
    DocumentPart,
    ModelPart,
    Name,
    TenantLimitsPart,
    TenantName,
    TierName,
    one_of,
)
from streams.registry.document.policy import PolicyPart
from streams.routing.policy import JUDGE

MOST_MODELS = 1_000
"""Each request examines the models of its tier, and each worker validates every version."""

MOST_INSTANCES = 5_000
"""Over all models."""


class PrivacyPart(DocumentPart):
    """Text that ClickHouse may store, and patterns redacted from it before."""

    store_prompts: bool = False
    store_answers: bool = False
    store_comments: bool = True
    redact: tuple[Annotated[str, one_of(KINDS)], ...] = KINDS


class RegistryDocument(DocumentPart):
    """The whole file."""

    tiers: Annotated[tuple[TierName, ...], Field(min_length=1, max_length=8)]
    models: Annotated[dict[Name, ModelPart], Field(min_length=1, max_length=MOST_MODELS)]
    policy: PolicyPart = PolicyPart()
    baseline: Name | None = None
    tenants: dict[TenantName, TenantLimitsPart] = Field(default_factory=dict)
    experiments: dict[Name, ExperimentPart] = Field(default_factory=dict, max_length=16)
    budgets: dict[Name, BudgetPart] = Field(default_factory=dict, max_length=64)
    alerts: AlertsPart = AlertsPart()
    privacy: PrivacyPart = PrivacyPart()

    @model_validator(mode="before")
    @classmethod
    def _few_instances(cls, value: Any) -> Any:
        """Reject a document that would take seconds to validate, before validation."""
        models = value.get("models") if isinstance(value, dict) else None
        if isinstance(models, dict):
            lists = (each.get("instances") for each in models.values() if isinstance(each, dict))
            if sum(len(each) for each in lists if isinstance(each, list)) > MOST_INSTANCES:
                raise ValueError(f"models: more than {MOST_INSTANCES:,} instances in all")
        return value

    @model_validator(mode="after")
    def _names_agree(self) -> RegistryDocument:
        problems = []
        if len(set(self.tiers)) < len(self.tiers):
            problems.append("tiers: duplicate name")
        problems.extend(
            f"models.{name}.tier: {model.tier} is not one of {', '.join(self.tiers)}"
            for name, model in self.models.items()
            if model.tier not in self.tiers
        )
        served = {model.tier for model in self.models.values()}
        problems.extend(f"tiers: {tier} has no model" for tier in self.tiers if tier not in served)
        problems.extend(
            f"policy.static.{number}.tier: {rule.tier} is not a tier"
            for number, rule in enumerate(self.policy.static)
            if rule.tier not in self.tiers
        )
        problems.extend(
            f"policy.cascade.thresholds: {tier} is not a tier"
            for tier in self.policy.cascade.thresholds
            if tier not in self.tiers
        )
        problems.extend(self._policy_problems())
        problems.extend(budget_problems(self.budgets, self.models))
        if self.baseline is not None and self.baseline not in self.models:
            problems.append(f"baseline: {self.baseline} is not one of the models")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keep the hash of a file without budgets or alerts as it was before these existed."""
        value: dict[str, Any] = plain(self)
        if not self.budgets:
            value.pop("budgets", None)
        if self.alerts == AlertsPart():
            value.pop("alerts", None)
        return value

    def _policy_problems(self) -> Iterator[str]:
        policy = self.policy
        sets = {
            "policy.boundaries": policy.boundaries,
            **{
                f"policy.features.{name}.boundaries": part.boundaries
                for name, part in policy.features.items()
            },
        }
        for path, boundaries in sets.items():
            if boundaries and len(boundaries) != len(self.tiers) - 1:
                yield f"{path}: {len(self.tiers)} tiers need {len(self.tiers) - 1} boundaries"
            if any(low > high for low, high in pairwise(boundaries)):
                yield f"{path}: must be ascending"
        for name, part in policy.features.items():
            for tier in part.thresholds:
                if tier not in self.tiers:
                    yield f"policy.features.{name}.thresholds: {tier} is not a tier"
        for name in policy.learned.columns:
            if name not in self.tiers and name not in self.models:
                yield f"policy.learned.columns: {name} is neither a tier nor a model"
        yield from self._called_model_problems()

    def _called_model_problems(self) -> Iterator[str]:
        policy = self.policy
        for path, called in (("policy.llm", policy.llm), ("policy.judge", policy.judge)):
            if called is not None and called.model not in self.models:
                yield f"{path}.model: {called.model} is not one of the models"
        if policy.calls_model and policy.llm is None:
            yield "policy.llm: set the model of the classifier"
        grey = policy.cascade.grey
        if grey is not None and grey.look == JUDGE and policy.judge is None:
            yield "policy.judge: set the model of the judge, which policy.cascade.grey uses"
        if policy.shadow is not None and len(self.tiers) < 2:
            yield "policy.shadow: needs a second tier"

    def under(self, experiment: str, arm: str) -> RegistryDocument:
        """Return the file as an arm applies it, without experiments.

        Raises:
            ValidationError: the arm's overrides are invalid.
        """
        # Reuse validated sections: with all arms, a thousand models would be validated a hundred
        # times.
        parts: dict[str, Any] = {
            name: getattr(self, name) for name in type(self).model_fields if name != "experiments"
        }
        own = self.experiments[experiment].arms[arm].policy
        policy = self.policy
        below = policy.model_dump(include=set(own))
        parts["policy"] = {
            **{name: getattr(policy, name) for name in policy.model_fields_set - set(own)},
            **_overlaid(below, own),
        }
        return RegistryDocument.model_validate(parts)


def _overlaid(base: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay mappings recursively, key by key; other values are replaced."""
    result = dict(base)
    for key, value in other.items():
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, Mapping):
            result[key] = _overlaid(below, value)
        else:
            result[key] = value
    return result


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    return RegistryDocument.model_json_schema()
