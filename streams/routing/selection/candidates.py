"""Models and instances of a tier that may serve a request, in the order of calls.

The order of the design's section 6: capable, likely within the deadline, has capacity, then
balanced over instances, then cheapest. Health, load and observed latency are parameters, so a
replay with the same values has the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.routing.decision_trace import ShortlistStep
from streams.routing.draws import weighted_choice
from streams.routing.snapshot import Instance, Model, RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequirements:
    """Requirements of a request: capabilities, tokens of context, time left in ms."""

    capabilities: frozenset[str]
    context_tokens: int
    max_output_tokens: int | None
    time_left_ms: float
    pinned_model: str | None = None
    spread: str = ""
    """Identity of the hop; spreads requests over instances by a keyed hash."""
    provider: str | None = None
    """The only provider format that can express the request; `None`: all can."""
    overflowed_window: int = 0
    """Largest window, in tokens, that is known to be too small for this request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStatus:
    """State of an instance: available or the reason why not, observed latency (ms), calls in
    flight. `returns` is set if it only lacks capacity, which recovers by itself.
    """

    available: bool = True
    why: str = "not available now"
    returns: bool = False
    latency_ms: float | None = None
    in_flight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model at one of its instances."""

    model: Model
    instance: Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """An excluded candidate and the reason; `returns` if it only lacks capacity."""

    model: str
    instance: str | None
    reason: str
    returns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortlist:
    """Candidates, first to last, and excluded ones."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]

    @property
    def lacks_capacity(self) -> bool:
        """Return whether a candidate is excluded only for lack of capacity."""
        return any(each.returns for each in self.excluded)

    @property
    def lacks_health(self) -> bool:
        """Return whether a candidate is excluded because its instance is unhealthy."""
        return any(each.instance is not None and not each.returns for each in self.excluded)

    def step(
        self, at: int, *, time_left_ms: float | None = None, costs: Costs | None = None
    ) -> ShortlistStep:
        """Return the shortlist as a step of the hop's trace; `at` is broker time, ms."""
        return ShortlistStep(
            at=at,
            candidates=tuple((each.model.name, each.instance.name) for each in self.candidates),
            excluded=tuple((each.model, each.instance, each.reason) for each in self.excluded),
            time_left_ms=time_left_ms,
            costs=costs,
        )


def blocked_shortlist(reason: str) -> Shortlist:
    """Return a shortlist without candidates, for a temporary reason."""
    why = Excluded(model="", instance=None, reason=reason, returns=True)
    return Shortlist(candidates=(), excluded=(why,))


Conditions = Mapping[tuple[str, str], InstanceStatus]
"""By (model, instance); a missing one is in its best condition."""

Costs = Mapping[str, int | None]
"""Expected cost of this request by model, nano-USD; unknown costs sort last."""

LEAST_ANSWER_TOKENS = 256
"""Tokens for an answer that a model must have left if the caller sets no limit."""

EXPECTED_OUTPUT_TOKENS = 300
"""Output tokens assumed in an expected cost."""

_GOOD = InstanceStatus()


def shortlist(
    tier: str,
    need: ModelRequirements,
    snapshot: RegistrySnapshot,
    conditions: Conditions,
    costs: Costs,
) -> Shortlist:
    """Order the tier's candidates for these requirements: cheapest model first, a model's instances
    by their weight and load.
    """
    kept: list[Candidate] = []
    excluded: list[Excluded] = []
    for model in sorted(_models(tier, need, snapshot), key=lambda model: _rank(model, costs)):
        reason = unfit(model, need)
        if reason is not None:
            excluded.append(Excluded(model=model.name, instance=None, reason=reason))
            continue
        open_instances = []
        for instance in model.instances:
            now = conditions.get((model.name, instance.name), _GOOD)
            reason = _closed(now, need)
            if reason is None:
                open_instances.append(instance)
            else:
                excluded.append(
                    Excluded(
                        model=model.name,
                        instance=instance.name,
                        reason=reason,
                        returns=now.returns and not now.available,
                    )
                )
        ordered = balance(model, open_instances, need, conditions)
        kept.extend(Candidate(model=model, instance=instance) for instance in ordered)
    return Shortlist(candidates=tuple(kept), excluded=tuple(excluded))


def _models(tier: str, need: ModelRequirements, snapshot: RegistrySnapshot) -> Sequence[Model]:
    if need.pinned_model is not None and need.pinned_model in snapshot.models:
        return (snapshot.models[need.pinned_model],)
    return snapshot.models_of(tier)


def _rank(model: Model, costs: Costs) -> tuple[bool, int, str]:
    cost = costs.get(model.name)
    return cost is None, cost or 0, model.name


def never_fits(model: Model, need: ModelRequirements) -> str | None:
    """Return why a model can never meet these requirements, or `None`."""
    missing = need.capabilities - model.capabilities
    if missing:
        return "can not do " + ", ".join(sorted(missing))
    if need.provider not in {None, model.provider}:
        return f"the request needs the format of {need.provider}"
    room = need.context_tokens + min(
        need.max_output_tokens or LEAST_ANSWER_TOKENS, model.max_output
    )
    if room > model.context_window:
        return f"about {room} tokens do not fit {model.context_window}"
    if model.context_window < need.overflowed_window:
        return f"a window of {need.overflowed_window} tokens was too small"
    return None


def no_model_fits(need: ModelRequirements, snapshot: RegistrySnapshot) -> bool:
    """Return whether no model that is eligible for this request can ever serve it."""
    pinned = snapshot.models.get(need.pinned_model or "")
    models = snapshot.models.values() if pinned is None else (pinned,)
    return all(never_fits(model, need) is not None for model in models)


def unfit(model: Model, need: ModelRequirements) -> str | None:
    """Return why a model can't meet these requirements at all, or `None`."""
    never = never_fits(model, need)
    if never is not None:
        return never
    if need.time_left_ms < model.expected_latency_ms / 2:
        return "too slow for the time left"
    return None


def _closed(now: InstanceStatus, need: ModelRequirements) -> str | None:
    """Return why an instance is unavailable now, or `None`."""
    if not now.available:
        return now.why
    if now.latency_ms is not None and need.time_left_ms < now.latency_ms / 2:
        return "too slow lately for the time left"
    return None


def balance(
    model: Model, instances: Sequence[Instance], need: ModelRequirements, conditions: Conditions
) -> list[Instance]:
    """Order instances by expected wait: latency x (in flight + 1) / weight.

    If the instance with the shortest wait is idle, the first is drawn among all idle ones, else
    among those with the same wait, with probability proportional to weight over latency. By the
    wait alone the fastest would receive all of a light load.
    """
    if len(instances) < 2:
        return list(instances)
    states = {each.name: conditions.get((model.name, each.name), _GOOD) for each in instances}

    def speed(instance: Instance) -> float:
        latency = states[instance.name].latency_ms
        usual = model.expected_latency_ms if latency is None else latency
        return instance.weight / max(usual, 1e-3)

    def wait(instance: Instance) -> float:
        return (states[instance.name].in_flight + 1) / speed(instance)

    ordered = sorted(instances, key=lambda instance: (wait(instance), instance.name))
    shortest = wait(ordered[0])
    if states[ordered[0].name].in_flight:
        alike = [each for each in ordered if wait(each) <= shortest * (1 + 1e-9)]
    else:
        alike = [each for each in ordered if not states[each.name].in_flight]
    if len(alike) < 2:
        return ordered
    weighted = [(each.name, speed(each)) for each in alike]
    drawn = weighted_choice(f"{need.spread}/{model.name}", weighted)
    return sorted(ordered, key=lambda instance: instance.name != drawn)
