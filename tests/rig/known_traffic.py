"""Traffic with every model's answer known, so that the true outcome of any policy can be computed.

A live registry routes it, and sends about ten percent of it to another tier in shadow; a projection
sees only what this log would contain. All randomness comes from seeds.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import orjson

from streams.offline.replay.cases import Case, ObservedAnswer, Step
from streams.offline.replay.decisions.trajectories import Wants, Ways
from streams.offline.replay.estimates.estimation import Estimated
from streams.offline.replay.estimates.projection import Projection, project
from streams.offline.replay.estimates.table import CaseTable, table_of
from streams.offline.replay.replaying import tier_costs
from streams.providers.port import Usage
from streams.providers.pricing.price_list import PriceBook
from streams.registry.version import parse_registry
from streams.routing.assessment import assess, uses_artifact
from streams.routing.confidence.scorers import Answered, confidence_in
from streams.routing.decision import RoutingRequest, features_of
from streams.routing.features.token_estimate import text_tokens
from streams.routing.shadowing import shadow_of
from streams.routing.snapshot import RegistrySnapshot

MODELS = {
    "simple": ("gpt-4o-mini-2024-07-18", 0.15, 0.6),
    "moderate": ("gpt-4o-2024-08-06", 2.5, 10.0),
    "complex": ("o1-mini-2024-09-12", 3.0, 12.0),
}
ALONE = "\n  cascade: {enabled: false}"
FIVE = {
    "all cheap": "static: [{when: {tenant: [default]}, tier: simple}]" + ALONE,
    "all strong": "static: [{when: {tenant: [default]}, tier: complex}]" + ALONE,
    "article's rules": "classifier: article-4" + ALONE,
    "our rules": "classifier: rules" + ALONE,
    "learned": "classifier: learned" + ALONE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """What one model answers: its score 0..1, its tokens, and the cascade's confidence in it."""

    score: float
    tokens: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A request with every model's answer known."""

    key: str
    body: Mapping[str, object]
    tokens: int
    answers: Mapping[str, KnownAnswer]


def recorded_prompts(file: Path) -> list[Prompt]:
    """The recorded prompts, their answers evaluated by the cascade's checks."""
    snapshot = registry("classifier: rules")
    names = [model for model, _, _ in MODELS.values()]
    with gzip.open(file, "rb") as lines:
        return [_prompt(orjson.loads(line), names, snapshot) for line in lines]


def _prompt(row: dict, names: Sequence[str], snapshot: RegistrySnapshot) -> Prompt:  # type: ignore[type-arg]
    body = {"messages": [{"role": "user", "content": row["prompt"]}]}
    answers = {}
    for name in names:
        text = row["answers"][name]["text"] or ""
        message = {"role": "assistant", "content": text}
        answered = Answered(body=body, message=message, finish_reason="stop")
        verdict = confidence_in(answered, snapshot.models[name], snapshot)
        answers[name] = KnownAnswer(
            score=float(row["answers"][name]["score"]),
            tokens=text_tokens(text),
            confidence=verdict.confidence,
        )
    return Prompt(key=row["id"], body=body, tokens=text_tokens(row["prompt"]) + 4, answers=answers)


def registry(policy: str, *, shadow: bool = True, prices: float = 1.0) -> RegistrySnapshot:
    """A registry of these three models under a policy; `prices` scales what the last costs."""
    return parse_registry(registry_text(policy, shadow=shadow, prices=prices)).snapshot


def registry_text(
    policy: str, *, shadow: bool = True, prices: float = 1.0, provider: str = "openai"
) -> str:
    """The same as a file."""
    lines = []
    for tier, (name, paid_in, paid_out) in MODELS.items():
        scale = prices if tier == "complex" else 1.0
        lines.append(
            f"  {name}: {{provider: {provider}, tier: {tier}, price: {{input: "
            f"{paid_in * scale:.6f}, output: {paid_out * scale:.6f}}}, "
            'instances: [{name: one, base_url: "http://localhost/1"}]}'
        )
    shadows = "  shadow: {share: 0.1, usd_per_day: 1000}\n" if shadow else ""
    text = "tiers: [simple, moderate, complex]\nmodels:\n" + "\n".join(lines)
    return f"{text}\npolicy:\n{shadows}  {policy}\n"


@dataclass
class Traffic:
    """The prompts as they were routed by a live registry; `seed` makes the draws."""

    prompts: Sequence[Prompt]
    live: RegistrySnapshot
    seed: int

    def __post_init__(self) -> None:
        self.pricing = PriceBook()
        ways = Ways(snapshot=self.live, pricing=self.pricing)
        self.drawn: list[str | None] = []
        self.paths: list[tuple[str, ...]] = []
        for prompt in self.prompts:
            way = ways.way(self.start(prompt, self.live), _wants(prompt))
            walked = tuple(walk(prompt, way))
            self.paths.append(walked)
            shadow = shadow_of(f"{self.seed}/{prompt.key}", self._tier(walked[-1]), self.live)
            tier = shadow.tier if shadow else None
            self.drawn.append(MODELS[tier][0] if tier else None)

    @staticmethod
    def _tier(model: str) -> str:
        return next(tier for tier, (name, _, _) in MODELS.items() if name == model)

    @cached_property
    def difficulty(self) -> list[float]:
        """How demanding the rules find each prompt, 0..1."""
        rules = registry("classifier: rules")
        for prompt in self.prompts:
            if prompt.key not in _SCORES:
                _SCORES[prompt.key] = assess(_features(prompt, rules), rules, {}).score
        return [_SCORES[prompt.key] for prompt in self.prompts]

    def start(self, prompt: Prompt, snapshot: RegistrySnapshot) -> str:
        """The tier where a request starts."""
        if snapshot.policy.static_rules:
            return snapshot.policy.static_rules[0].tier
        key = (prompt.key, snapshot.version)
        if key not in _STARTS:
            weighs = uses_artifact(snapshot)
            costs = tier_costs(self.pricing, prompt.body, snapshot) if weighs else {}
            _STARTS[key] = assess(_features(prompt, snapshot), snapshot, costs).tier
        return _STARTS[key]

    def cost(self, prompt: Prompt, model: str, snapshot: RegistrySnapshot) -> int:
        """Nano-USD of a call at a registry's prices."""
        usage = Usage(input_tokens=prompt.tokens, output_tokens=prompt.answers[model].tokens)
        cost, _ = self.pricing.cost_of(snapshot.models[model], usage)
        return cost or 0

    def ways(self, snapshot: RegistrySnapshot) -> list[tuple[Step, ...]]:
        """Every prompt's way under a registry."""
        ways = Ways(snapshot=snapshot, pricing=self.pricing)
        return [ways.way(self.start(each, snapshot), _wants(each)) for each in self.prompts]

    def cases(self, snapshot: RegistrySnapshot, ways: Sequence[tuple[Step, ...]]) -> list[Case]:
        """What the log shows of each prompt, at a registry's prices."""
        share = self.live.policy.shadow.share / 2 if self.live.policy.shadow else 0.0
        return [self._case(place, snapshot, way, share) for place, way in enumerate(ways)]

    def _case(
        self, place: int, snapshot: RegistrySnapshot, way: tuple[Step, ...], share: float
    ) -> Case:
        prompt, paths, drawn = self.prompts[place], self.paths[place], self.drawn[place]
        seen = {name: self._seen(prompt, name, snapshot, drawn=False) for name in paths}
        if drawn is not None and drawn not in seen:
            seen[drawn] = self._seen(prompt, drawn, snapshot, drawn=True)
        others = [name for name, _, _ in MODELS.values() if name not in paths]
        return Case(
            key=f"{self.seed}/{prompt.key}",
            difficulty=self.difficulty[place],
            tokens=prompt.tokens,
            steps=way,
            seen=seen,
            chances=dict.fromkeys(others, share),
        )

    def _seen(
        self, prompt: Prompt, model: str, snapshot: RegistrySnapshot, *, drawn: bool
    ) -> ObservedAnswer:
        known = prompt.answers[model]
        return ObservedAnswer(
            cost_nano=self.cost(prompt, model, snapshot),
            score=known.score,
            confidence=None if drawn else known.confidence,
            drawn=drawn,
        )

    def true_means(
        self, snapshot: RegistrySnapshot, ways: Sequence[tuple[Step, ...]]
    ) -> tuple[float, float]:
        """Mean nano-USD and mean score of what a registry would really have had."""
        costs, scores = [], []
        for prompt, way in zip(self.prompts, ways, strict=True):
            walked = list(walk(prompt, way))
            costs.append(sum(self.cost(prompt, model, snapshot) for model in walked))
            scores.append(prompt.answers[walked[-1]].score)
        return float(np.mean(costs)), float(np.mean(scores))

    def projected(self, snapshot: RegistrySnapshot, ways: Sequence[tuple[Step, ...]]) -> Projection:
        """What the replay makes of it."""
        return self.estimated(snapshot, ways)[0]

    def estimated(
        self, snapshot: RegistrySnapshot, ways: Sequence[tuple[Step, ...]]
    ) -> tuple[Projection, Estimated, CaseTable]:
        """The same, with what it is made from."""
        table = table_of(self.cases(snapshot, ways))
        return *project(table, ways), table


def walk(prompt: Prompt, way: Sequence[Step]) -> Iterator[str]:
    """The models that are called until an answer is accepted."""
    for step in way:
        yield step.model
        if (
            step.goes_on_below is None
            or prompt.answers[step.model].confidence >= step.goes_on_below
        ):
            return


def _wants(prompt: Prompt) -> Wants:
    return Wants(capabilities=frozenset(), tokens=prompt.tokens, max_output=None)


def _features(prompt: Prompt, snapshot: RegistrySnapshot):  # type: ignore[no-untyped-def]
    return features_of(RoutingRequest(body=prompt.body, tenant="default"), snapshot)


_SCORES: dict[str, float] = {}
_STARTS: dict[tuple[str, str], str] = {}
"""Where each prompt starts under each registry version: the same for every seed."""


def random_policy(seed: int) -> tuple[str, float]:
    """A policy and a price, drawn."""
    chance = random.Random(seed)
    low = chance.uniform(0.05, 0.6)
    high = chance.uniform(low, 0.95)
    classifier = chance.choice(["rules", "rules", "article-4", "article-ex1"])
    text = f"classifier: {classifier}\n  boundaries: [{low:.3f}, {high:.3f}]"
    if chance.random() < 0.5:
        text += "\n  cascade: {enabled: false}"
    else:
        marks = [chance.uniform(0.3, 0.95) for _ in range(2)]
        text += f"\n  cascade: {{thresholds: {{simple: {marks[0]:.3f}, moderate: {marks[1]:.3f}}}}}"
    return text, chance.choice([0.5, 1.0, 1.0, 2.0])
