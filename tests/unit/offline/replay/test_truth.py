"""Projections of traffic with a known outcome: five policies and random ones, from a log with
shadow calls for a tenth of the requests. The bench does the same with recorded prompts.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from infra.workload.golden import golden_file, read_golden
from tests.rig.known_traffic import (
    ALONE,
    FIVE,
    MODELS,
    KnownAnswer,
    Prompt,
    Traffic,
    random_policy,
    registry,
)

STRENGTH = {"simple": 0.9, "moderate": 0.4, "complex": 0.1}
LIVE = "classifier: rules\n  boundaries: [0.3, 0.6]" + ALONE


@pytest.fixture(scope="module")
def prompts() -> list[Prompt]:
    """The golden prompts, twice over, answered by models that fail where it is hard for them."""
    chance = random.Random(7)
    hard = {"simple": 0.1, "moderate": 0.5, "complex": 0.9}
    found = []
    for number, item in enumerate(2 * list(read_golden(golden_file()))):
        text = item.text
        answers = {}
        for tier, (name, _, _) in MODELS.items():
            fails = STRENGTH[tier] * hard[item.tier]
            answers[name] = KnownAnswer(
                score=float(chance.random() >= fails),
                tokens=int(chance.lognormvariate(5, 0.5)),
                confidence=round(chance.random(), 3),
            )
        body = {"messages": [{"role": "user", "content": text}]}
        found.append(Prompt(key=f"{number}", body=body, tokens=len(text) // 4 + 4, answers=answers))
    return found


def test_intervals_of_random_registries_contain_the_true_value_in_nine_of_ten_cases(
    prompts: list[Prompt],
) -> None:
    live = registry(LIVE)
    drawn = [
        registry(policy, shadow=False, prices=prices)
        for policy, prices in map(random_policy, range(10))
    ]
    base = Traffic(prompts, live, 0)
    ways = [base.ways(each) for each in drawn]
    truth = [base.true_means(each, way) for each, way in zip(drawn, ways, strict=True)]
    cost, quality = [], []
    for seed in range(6):
        traffic = Traffic(prompts, live, seed)
        for each, way, (real_cost, real_quality) in zip(drawn, ways, truth, strict=True):
            found = traffic.projected(each, way)
            assert found.cost.mean is not None
            assert found.quality.mean is not None
            cost.append(found.cost.mean.low <= real_cost <= found.cost.mean.high)
            quality.append(found.quality.mean.low <= real_quality <= found.quality.mean.high)
    assert np.mean(cost) >= 0.9
    assert np.mean(quality) >= 0.9


def test_policies_that_differ_by_more_than_their_intervals_are_ranked_right(
    prompts: list[Prompt],
) -> None:
    traffic = Traffic(prompts, registry(LIVE), 1)
    found = {}
    for name, policy in FIVE.items():
        ground = registry(policy, shadow=False)
        ways = traffic.ways(ground)
        found[name] = (traffic.projected(ground, ways), traffic.true_means(ground, ways))
    for one, (projected, (_, real)) in found.items():
        for two, (other, (_, really)) in found.items():
            mean, against = projected.quality.mean, other.quality.mean
            assert mean is not None
            assert against is not None
            if mean.low > against.high:
                assert real > really, (one, two)
    strong, cheap = found["all strong"][0].quality.mean, found["all cheap"][0].quality.mean
    assert strong is not None
    assert cheap is not None
    assert strong.low > cheap.high
