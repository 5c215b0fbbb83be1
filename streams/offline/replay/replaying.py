"""Conversion of one logged request to its row: parsed, decided again, with its trajectories. Pure
except for look-ups in the price list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.request import Request
from streams.offline.replay.cases import Step
from streams.offline.replay.decisions.propensities import chances_of
from streams.offline.replay.decisions.recorded import Recorded
from streams.offline.replay.decisions.redeciding import (
    LandscapeOf,
    Redecided,
    ReplayContext,
    redecide,
)
from streams.offline.replay.decisions.trajectories import Wants, Ways, in_steps
from streams.offline.replay.rows import Replayed
from streams.providers.port import Usage
from streams.providers.pricing.price_list import PriceBook
from streams.routing.assessment import Costs
from streams.routing.decision import RoutingRequest
from streams.routing.features.request_features import estimate_tokens, needs_of
from streams.routing.rules.classifier import CLASSIFIERS
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS
from streams.routing.snapshot import RegistrySnapshot

ReadRequest = Callable[[bytes], Request]
"""Parses a request.

Raises:
    UndecodableError: these bytes are not a request.
    InvalidRequestError: the request is no longer valid.
"""


@dataclass(slots=True, kw_only=True)
class Replayer:
    """Replays requests under one registry version; `before` has the live ones."""

    snapshot: RegistrySnapshot
    before: LandscapeOf
    pricing: PriceBook
    reuse: bool = True
    _context: ReplayContext = field(init=False)
    _ways: dict[str, Ways | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._context = ReplayContext(
            snapshot=self.snapshot,
            before=self.before,
            costs=lambda body, under: tier_costs(self.pricing, body, under),
            reuse=self.reuse,
        )
        self._ways[self.snapshot.version] = Ways(snapshot=self.snapshot, pricing=self.pricing)

    def replay(self, recorded: Recorded, request: Request) -> Replayed:
        """Decide a request again.

        Raises:
            KeyError: its recorded decision has no inputs.
        """
        routing_request = RoutingRequest.of(request, recorded.tenant)
        again = redecide(recorded, routing_request, self._context)
        wants = _wants(request.body)
        old = self._ways_of(recorded.decision.registry_version)
        return Replayed(
            recorded=recorded,
            again=again,
            wants=wants,
            way=self._way(again, wants, recorded.feature),
            before=() if old is None else _old_way(recorded, wants, old, stream=again.stream),
            difficulty=_difficulty(recorded, again),
            chances={}
            if old is None
            else chances_of(recorded, routing_request, wants, old, self._context),
        )

    def _way(self, again: Redecided, wants: Wants, feature: str | None) -> tuple[Step, ...]:
        decision = again.decision
        ways = self._ways[self.snapshot.version]
        if decision is None or ways is None:
            return ()
        return ways.way(
            decision.tier,
            wants,
            pinned=decision.model,
            feature=feature,
            arm=(decision.experiment, decision.arm),
            stream=again.stream,
        )

    def _ways_of(self, version: str) -> Ways | None:
        if version not in self._ways:
            found = self.before(version)
            self._ways[version] = (
                None if found is None else Ways(snapshot=found, pricing=self.pricing)
            )
        return self._ways[version]


def _old_way(recorded: Recorded, wants: Wants, ways: Ways, *, stream: bool) -> tuple[Step, ...]:
    decision = recorded.decision
    return ways.way(
        decision.tier,
        wants,
        pinned=decision.model,
        feature=recorded.feature,
        arm=(decision.experiment, decision.arm),
        stream=stream,
    )


def _wants(body: Any) -> Wants:
    return Wants(
        capabilities=needs_of(body),
        tokens=in_steps(estimate_tokens(body)),
        max_output=body.get("max_completion_tokens") or body.get("max_tokens"),
    )


def _difficulty(recorded: Recorded, again: Redecided) -> float | None:
    """Return the rules' score, if either side has one; else the score that decided, then or now."""
    sides = [each for each in (recorded.decision, again.decision) if each is not None]
    scored = [each for each in sides if each.score is not None]
    ruled = [each for each in scored if each.classifier in CLASSIFIERS]
    return (ruled or scored)[0].score if scored else None


def tier_costs(pricing: PriceBook, body: Mapping[str, Any], snapshot: RegistrySnapshot) -> Costs:
    """Return nano-USD of a call to the cheapest model of each tier; `None` without a known price.

    The figures equal a worker's (`streams.agents.calls.expected_costs`), from a price list alone.
    """
    usage = Usage(input_tokens=estimate_tokens(body), output_tokens=EXPECTED_OUTPUT_TOKENS)
    found: dict[str, int | None] = {}
    for tier in snapshot.tiers:
        costs = [pricing.cost_of(model, usage)[0] for model in snapshot.models_of(tier)]
        found[tier] = min((cost for cost in costs if cost is not None), default=None)
    return found
