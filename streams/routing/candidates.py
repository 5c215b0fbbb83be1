"""Which model and instance of a tier may serve a request, in the order in which to ask them.

The order of the design's section 6: capable, likely within the deadline, has capacity, then
balanced over instances, then cheapest. Health, load and observed latency come in as values, so
that the same values give the same order in a replay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.routing.draws import draw
from streams.routing.landscape import Instance, Landscape, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a request asks of a model: capabilities, tokens of context, time left in ms."""

    capabilities: frozenset[str]
    context_tokens: int
    max_output_tokens: int | None
    time_left_ms: float
    pinned_model: str | None = None
    spread: str = ""
    """Identity of the hop; spreads requests over instances by a keyed hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How an instance is doing now: open to calls, observed latency (ms), calls in flight."""

    available: bool = True
    latency_ms: float | None = None
    in_flight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model at one of its instances."""

    model: Model
    instance: Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A candidate that is not asked, and why."""

    model: str
    instance: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortlist:
    """Who is asked, first to last, and who is not."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]

    def as_inputs(self) -> dict[str, Any]:
        """What the decision's `inputs` block keeps of it."""
        return {
            "candidates": [[c.model.name, c.instance.name] for c in self.candidates],
            "excluded": [[e.model, e.instance, e.reason] for e in self.excluded],
        }


Conditions = Mapping[tuple[str, str], Condition]
"""By (model, instance); what is missing is in its best condition."""

Costs = Mapping[str, int | None]
"""Expected cost of this request by model, nano-USD; what is unknown comes last."""

EXPECTED_OUTPUT_TOKENS = 300
"""Output tokens that an expected cost counts with."""

_GOOD = Condition()


def shortlist(
    tier: str, need: Need, landscape: Landscape, conditions: Conditions, costs: Costs
) -> Shortlist:
    """Order the tier's candidates for this need: cheapest model first, a model's instances by
    their weight and load.
    """
    kept: list[Candidate] = []
    excluded: list[Excluded] = []
    for model in sorted(_models(tier, need, landscape), key=lambda model: _rank(model, costs)):
        reason = unfit(model, need)
        if reason is not None:
            excluded.append(Excluded(model=model.name, instance=None, reason=reason))
            continue
        open_instances = []
        for instance in model.instances:
            if conditions.get((model.name, instance.name), _GOOD).available:
                open_instances.append(instance)
            else:
                excluded.append(
                    Excluded(model=model.name, instance=instance.name, reason="not available now")
                )
        ordered = balance(model, open_instances, need, conditions)
        kept.extend(Candidate(model=model, instance=instance) for instance in ordered)
    return Shortlist(candidates=tuple(kept), excluded=tuple(excluded))


def _models(tier: str, need: Need, landscape: Landscape) -> Sequence[Model]:
    if need.pinned_model is not None and need.pinned_model in landscape.models:
        return (landscape.models[need.pinned_model],)
    return landscape.models_of(tier)


def _rank(model: Model, costs: Costs) -> tuple[bool, int, str]:
    cost = costs.get(model.name)
    return cost is None, cost or 0, model.name


def unfit(model: Model, need: Need) -> str | None:
    """Why a model can't serve this need at all, or `None`."""
    missing = need.capabilities - model.capabilities
    if missing:
        return "can not do " + ", ".join(sorted(missing))
    room = need.context_tokens + min(need.max_output_tokens or 0, model.max_output)
    if room > model.context_window:
        return f"about {room} tokens do not fit {model.context_window}"
    if need.time_left_ms < model.expected_latency_ms / 2:
        return "too slow for the time left"
    return None


def balance(
    model: Model, instances: Sequence[Instance], need: Need, conditions: Conditions
) -> list[Instance]:
    """Instances by expected wait: latency x (in flight + 1) / weight, ties by a keyed hash."""
    if len(instances) < 2:
        return list(instances)

    def rank(instance: Instance) -> tuple[float, float]:
        now = conditions.get((model.name, instance.name), _GOOD)
        latency = now.latency_ms if now.latency_ms is not None else model.expected_latency_ms
        load = latency * (now.in_flight + 1) / instance.weight
        return load, -draw(f"{need.spread}/{model.name}/{instance.name}") * instance.weight

    return sorted(instances, key=rank)
