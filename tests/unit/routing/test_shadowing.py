"""Shadow draws: a share of the requests, another tier, the same every time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from streams.routing.draws import draw, weighted_choice
from streams.routing.policy import ShadowPolicy
from streams.routing.shadowing import shadow_of
from tests.unit.routing.world import snapshot

PLAIN = snapshot()
KEYS = [f"acme/r{number}" for number in range(4_000)]


def shadowed(share: float):  # type: ignore[no-untyped-def]
    policy = replace(PLAIN.policy, shadow=ShadowPolicy(share=share, nano_per_day=1))
    return replace(PLAIN, policy=policy)


def test_a_policy_without_shadows_draws_nothing() -> None:
    assert shadow_of("acme/r1", "simple", PLAIN) is None


def test_a_share_of_the_requests_is_shadowed_by_each_other_tier_alike() -> None:
    found = Counter(getattr(shadow_of(key, "simple", shadowed(0.2)), "tier", None) for key in KEYS)

    assert found["simple"] == 0
    assert found["moderate"] / len(KEYS) == pytest.approx(0.1, abs=0.02)
    assert found["complex"] / len(KEYS) == pytest.approx(0.1, abs=0.02)


def test_the_probability_is_that_of_the_tier() -> None:
    shadow = shadow_of("acme/r1", "simple", shadowed(0.2))

    assert shadow is not None
    assert shadow.probability == 0.1


def test_the_same_request_draws_the_same() -> None:
    ground = shadowed(0.5)

    assert [shadow_of(key, "simple", ground) for key in KEYS[:50]] == [
        shadow_of(key, "simple", ground) for key in KEYS[:50]
    ]


def test_a_growing_share_keeps_the_drawn_requests() -> None:
    for key in KEYS[:500]:
        few, many = (shadow_of(key, "simple", shadowed(share)) for share in (0.1, 0.4))
        assert few is not None
        assert many is not None
        assert few.tier is None or few.tier == many.tier


def test_a_draw_is_in_the_unit_interval_and_determined_by_its_key() -> None:
    assert all(0 <= draw(key) < 1 for key in KEYS)
    assert draw("a") == draw("a") != draw("b")


def test_a_weighted_choice_follows_its_weights() -> None:
    found = Counter(weighted_choice(key, [("a", 1.0), ("b", 4.0)]) for key in KEYS)

    assert found["b"] / len(KEYS) == pytest.approx(0.8, abs=0.03)
