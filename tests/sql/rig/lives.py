"""A small history of requests for the analytics: drawn once, kept as plain values.

It has what makes counting hard: unknown costs, repeats with absurd figures, retries, escalations
past failures, parked hops, calls booked as interrupted whose real row came later, two registry
versions, ids used again, signals without score or verdict, requests that nothing judged.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from schemas.records import UNDECIDED
from tests.sql.rig.log import T0

HOUR = 3_600_000
DAY = 24 * HOUR
TIERS = ("simple", "moderate", "complex")
MODELS = {
    "simple": ("mini", "openai"),
    "moderate": ("midi", "openai"),
    "complex": ("opus", "anthropic"),
}


@dataclass(kw_only=True)
class Call:
    """One provider call; `late_nano` is the cost of the real row behind an interrupted one."""

    call_id: str
    tier: str
    model: str
    provider: str
    instance: str
    status: str
    at: int
    nano: int | None
    latency_ms: float | None
    purpose: str = "answer"
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    late_nano: int | None = None
    propensity: float | None = None

    @property
    def known_nano(self) -> int | None:
        """What it cost, by all that is on the log."""
        return self.nano if self.nano is not None else self.late_nano

    @property
    def known_status(self) -> str:
        return "ok" if self.late_nano is not None else self.status


@dataclass(kw_only=True)
class Hop:
    """One hop: its calls, its answer's confidence, its time in calls, how often it was parked."""

    tier: str
    calls: list[Call]
    confidence: float | None
    provider_ms: float
    ended_at: int
    parked: int = 0


@dataclass(kw_only=True)
class Signal:
    """One signal; without a tier it is about the request, without a call about the tier's
    answer.
    """

    signal: str
    at: int
    tier: str | None
    score: float | None
    passed: bool | None
    model: str | None = None
    call_id: str | None = None
    label: str | None = None


@dataclass(kw_only=True)
class Life:
    """One request from its arrival to its end."""

    tenant: str
    request_id: str
    number: int
    user_id: str
    feature: str | None
    registry: str
    experiment: str | None
    arm: str | None
    classifier: str
    requested_at: int
    hops: list[Hop]
    status: str
    answered_by: Hop | None
    baseline_nano: int | None
    others: list[Call] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    prompt: str | None = None

    @property
    def calls(self) -> list[Call]:
        return [*self.others, *(call for hop in self.hops for call in hop.calls)]

    @property
    def ended_at(self) -> int:
        return self.hops[-1].ended_at

    @property
    def latency_ms(self) -> float:
        return float(self.ended_at - self.requested_at)

    def nano_up_to(self, hop: int) -> int | None:
        """All answering calls up to a hop, as its worker recorded them."""
        costs = [call.nano for each in self.hops[: hop + 1] for call in each.calls]
        return None if None in costs else sum(cost or 0 for cost in costs)

    @property
    def nano(self) -> int | None:
        return self.nano_up_to(len(self.hops))


def draw_lives(count: int = 120, seed: int = 11) -> list[Life]:
    """Lives over three days from `T0`; the same for the same seed."""
    dice = random.Random(seed)
    lives = [_life(dice, number) for number in range(count)]
    lives[-1].request_id, lives[-1].tenant = lives[0].request_id, lives[0].tenant
    return lives


def _life(dice: random.Random, number: int) -> Life:
    requested_at = T0 + number * (3 * DAY // 120) + dice.randrange(HOUR // 4)
    start = dice.choice((0, 0, 0, 1, 2))
    in_experiment = dice.random() < 0.4
    hops, at = [], requested_at
    while True:
        hop = _hop(dice, TIERS[start + len(hops)], f"{number}-{len(hops)}", at)
        hops.append(hop)
        at = hop.ended_at
        enough = hop.confidence is not None and hop.confidence >= 0.5
        if enough or start + len(hops) == len(TIERS) or dice.random() < 0.2:
            break
    answered = [hop for hop in hops if hop.confidence is not None]
    best = max(answered, key=lambda hop: hop.confidence or 0, default=None)
    life = Life(
        tenant=dice.choice(("acme", "beta")),
        request_id=f"r{number}",
        number=number,
        user_id=f"u{number % 9}",
        feature=dice.choice((None, "chat", "search")),
        registry=dice.choice(("v1", "v2")),
        experiment="thresholds" if in_experiment else None,
        arm=("a", "b")[number % 2] if in_experiment else None,
        classifier=dice.choice(("rules", "hybrid")),
        requested_at=requested_at,
        hops=hops,
        status="replied" if best else dice.choice(("failed", "expired")),
        answered_by=best,
        baseline_nano=dice.choice((None, *[dice.randrange(1, 10**8)] * 4)) if best else None,
    )
    if best is None and number % 2:
        life.classifier = UNDECIDED
    if dice.random() < 0.3:
        life.others.append(_classifying(dice, number, requested_at))
    life.signals = _signals(dice, life)
    return life


def _hop(dice: random.Random, tier: str, name: str, at: int) -> Hop:
    model, provider = MODELS[tier]
    calls, spent = [], 0.0
    answered = dice.random() < 0.85
    statuses = [
        dice.choice(("server", "rate_limited", "timeout")) for _ in range(dice.choice((0, 0, 1, 2)))
    ]
    for index, status in enumerate([*statuses, "ok" if answered else "interrupted"]):
        latency = None if status == "interrupted" else dice.randrange(5, 900) + 0.5
        spent += latency or 0
        ok = status == "ok"
        priced = ok and dice.random() < 0.9
        refused = status in {"server", "rate_limited"}
        calls.append(
            Call(
                call_id=f"c{name}-{index}",
                tier=tier,
                model=model,
                provider=provider,
                instance=dice.choice(("east", "west")),
                status=status,
                at=at + int(spent) + index,
                nano=dice.randrange(1, 10**7) if priced else 0 if refused else None,
                latency_ms=latency,
                input_tokens=dice.randrange(1, 999) if ok else None,
                output_tokens=dice.randrange(1, 999) if ok else None,
                cached_tokens=len(name) if ok and at % 3 == 0 else None,
                late_nano=dice.randrange(1, 10**7)
                if status == "interrupted" and dice.random() < 0.5
                else None,
            )
        )
    parked = dice.choice((0, 0, 0, 1, 2))
    return Hop(
        tier=tier,
        calls=calls,
        confidence=round(dice.random(), 3) if answered else None,
        provider_ms=spent,
        ended_at=at + int(spent) + dice.randrange(3, 120) + parked * 1_000,
        parked=parked,
    )


def _classifying(dice: random.Random, number: int, at: int) -> Call:
    return Call(
        call_id=f"k{number}", tier="", model="mini", provider="openai", instance="east",
        status="ok", at=at + 1, nano=dice.choice((None, 1_000, 2_500)), latency_ms=4.0,
        purpose="classify", input_tokens=10, output_tokens=2,
    )  # fmt: skip


def _signals(dice: random.Random, life: Life) -> list[Signal]:
    found = []
    for hop in life.hops:
        named: dict[str, Any] = {}
        if life.number % 3:
            named = {"model": MODELS[hop.tier][0], "call_id": hop.calls[-1].call_id}
        if hop.confidence is not None and dice.random() < 0.6:
            found.append(
                Signal(
                    signal="cascade_confidence", at=hop.ended_at - 1, tier=hop.tier,
                    score=hop.confidence, passed=hop.confidence >= 0.5, **named,
                )
            )  # fmt: skip
        if dice.random() < 0.15:
            found.append(
                Signal(
                    signal="judge", at=hop.ended_at + (4 if life.number % 2 else -1), tier=hop.tier,
                    score=dice.choice((None, 0.2, 0.7, 1.0)), passed=None, **named,
                )
            )  # fmt: skip
    if dice.random() < 0.3:
        found.append(
            Signal(
                signal="feedback", at=life.ended_at + dice.randrange(HOUR // 2), tier=None,
                score=dice.choice((None, 0.0, 0.4, 0.5, 1.0)), passed=None,
            )
        )  # fmt: skip
    if life.number % 10 == 7:
        found.append(
            Signal(
                signal="golden", at=life.ended_at + HOUR, tier=None,
                score=dice.choice((0.0, 1.0)), passed=None,
            )
        )  # fmt: skip
    return found
