"""Models that a policy would call for a request, their order, and when it would continue.

Of a tier the first candidate counts, assuming capacity everywhere: capable, then cheapest. Load,
limits, budgets, deadlines and failures are not replayed: they depend on the time, not the policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from streams.offline.replay.cases import Step
from streams.providers.port import Usage
from streams.providers.pricing.price_list import PriceBook
from streams.routing.selection.candidates import (
    EXPECTED_OUTPUT_TOKENS,
    ModelRequirements,
    shortlist,
)
from streams.routing.snapshot import RegistrySnapshot

_REMEMBERED = 65_536
_Way = tuple[str, str | None, str | None, tuple[str | None, str | None], bool, "Wants"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """Requirements of a request: capabilities, estimated input tokens (`in_steps`), maximum output
    tokens.
    """

    capabilities: frozenset[str]
    tokens: int
    max_output: int | None


def in_steps(tokens: int) -> int:
    """Return a count rounded up by at most a sixteenth, so that requests of similar size share a
    trajectory.
    """
    step = max(1 << max(tokens.bit_length() - 5, 0), 1)
    return -(-tokens // step) * step


@dataclass(slots=True, kw_only=True)
class Ways:
    """Trajectories of a registry version's requests, by current prices."""

    snapshot: RegistrySnapshot
    pricing: PriceBook
    _first: dict[tuple[str | None, str | None, str, Wants], str | None] = field(
        default_factory=dict
    )
    _whole: dict[_Way, tuple[Step, ...]] = field(default_factory=dict)

    def way(
        self,
        start: str,
        wants: Wants,
        *,
        pinned: str | None = None,
        feature: str | None = None,
        arm: tuple[str | None, str | None] = (None, None),
        stream: bool = False,
    ) -> tuple[Step, ...]:
        """Return the steps from the first tier of a request, whose caller takes the answer in parts
        if `stream`; empty if no model can serve it.
        """
        key = (start, pinned, feature, arm, stream, wants)
        found = self._whole.get(key)
        if found is None:
            if len(self._whole) >= _REMEMBERED:
                self._whole.clear()
            found = self._whole[key] = self._find_way(start, wants, key)
        return found

    def _find_way(
        self,
        start: str,
        wants: Wants,
        key: _Way,
    ) -> tuple[Step, ...]:
        _, pinned, feature, arm, stream, _ = key
        effective = self.snapshot.under(*arm).for_stream(stream=stream)
        if pinned is not None:
            return (Step(model=pinned),) if pinned in effective.models else ()
        if start not in effective.tiers:
            return ()
        policy = effective.policy
        place = effective.tiers.index(start)
        found: list[tuple[str, str]] = []
        for tier in effective.tiers[place:]:
            model = self.first(tier, wants, arm)
            if model is not None:
                found.append((tier, model))
        if not policy.cascade.enabled:
            found = found[:1]
        found = found[: policy.cascade.max_hops]
        last = len(found) - 1
        return tuple(
            Step(
                model=model,
                goes_on_below=None if number == last else policy.threshold(tier, feature),
            )
            for number, (tier, model) in enumerate(found)
        )

    def first(
        self, tier: str, wants: Wants, arm: tuple[str | None, str | None] = (None, None)
    ) -> str | None:
        """Return the first model of a tier; `None` if none is capable."""
        key = (*arm, tier, wants)
        if key not in self._first:
            if len(self._first) >= _REMEMBERED:
                self._first.clear()
            self._first[key] = self._find(tier, wants, self.snapshot.under(*arm))
        return self._first[key]

    def _find(self, tier: str, wants: Wants, effective: RegistrySnapshot) -> str | None:
        need = ModelRequirements(
            capabilities=wants.capabilities,
            context_tokens=wants.tokens,
            max_output_tokens=wants.max_output,
            time_left_ms=inf,
        )
        usage = Usage(input_tokens=wants.tokens, output_tokens=EXPECTED_OUTPUT_TOKENS)
        costs: Mapping[str, int | None] = {
            model.name: self.pricing.cost_of(model, usage)[0] for model in effective.models_of(tier)
        }
        found = shortlist(tier, need, effective, {}, costs).candidates
        return found[0].model.name if found else None
