"""What a report suggests: only what a row of an answer says, and nothing of too little."""

from __future__ import annotations

from typing import Any

import pytest

from infra.reporting.advice import LEAST, advice_on

HEALTH = {"model": "gpt-4o", "instance": "eu", "error_share": 0.2, "ok": 80, "errors": 20}
GOOD = {"unknown_calls": 0, "saved_share": 0.4, "compared": 100}


def _said(name: str, row: dict[str, Any]) -> list[str]:
    return [f"{each.what}: {each.why}" for each in advice_on({name: [row]})]


def test_healthy_traffic_gives_no_advice() -> None:
    assert advice_on({"cost_vs_baseline": [GOOD], "dead_letters": [], "experiment": []}) == []
    assert advice_on({}) == []


@pytest.mark.parametrize(("limited", "what"), [(15, "Raise or declare the limit"), (2, "Check")])
def test_a_provider_that_fails_is_named_and_whether_its_limit_is_why(
    limited: int, what: str
) -> None:
    said = _said("provider_health", HEALTH | {"rate_limited": limited})
    assert said[0].startswith(f"{what} ")
    assert "20.0% of its 100 calls failed" in said[0]


def test_a_handful_of_calls_gives_no_advice() -> None:
    few = HEALTH | {"rate_limited": 0, "ok": 2, "errors": LEAST - 3}
    assert _said("provider_health", few) == []


def test_calls_of_unknown_cost_come_first() -> None:
    answers = {"cost_vs_baseline": [GOOD | {"unknown_calls": 3, "saved_share": 0.01}]}
    assert [each.question for each in advice_on(answers)] == ["unknown_cost", "cost_vs_baseline"]


def test_a_tier_with_too_many_requests_is_named() -> None:
    row = {"tier": "simple", "rate": 0.3, "judged": 50}
    assert "Send less to simple" in _said("misclassification", row)[0]
    assert _said("misclassification", row | {"rate": None}) == []


def test_a_significant_experiment_gives_advice() -> None:
    row = {"arm": "b", "experiment": "e", "control": "a", "measure": "cost", "verdict": "better"}
    assert _said("experiment", row) == ["Decide on arm b of e: cost is better than that of a"]
    assert _said("experiment", row | {"verdict": "sample too small"}) == []


@pytest.mark.parametrize(
    ("judged", "what"), [(0, None), (150, "Keep shadow calls on"), (450, "Train a classifier")]
)
def test_labels_from_shadow_calls_are_counted_towards_training(
    judged: int, what: str | None
) -> None:
    rows = [
        {"sent_tier": "simple", "shadow_tier": "complex", "judged": judged},
        {"sent_tier": "simple", "shadow_tier": "moderate", "judged": 1_000},
    ]

    found = advice_on({"shadow": rows}, ("simple", "moderate", "complex"))

    assert [each.what.startswith(what or "") for each in found] == ([True] if what else [])
