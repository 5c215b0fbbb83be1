"""Advice that changes the policy has its stated effect: applied, it changes the decisions."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from infra.devstack.registry import local_registry
from infra.reporting.advice import Advice, SuggestedChange, advice_on
from infra.workload.golden import golden_file, read_golden
from schemas.request import read_request
from streams.registry.version import parse_registry
from streams.routing.cascade import CascadeState, Escalate, after_answer
from streams.routing.confidence.scorers import ConfidenceResult
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.snapshot import RegistrySnapshot

TIERS = ("simple", "moderate", "complex")
BASE: dict[str, Any] = yaml.safe_load(local_registry("http://127.0.0.1:1"))
STEP = 0.06


def _snapshot(*changes: SuggestedChange) -> RegistrySnapshot:
    """The local registry with each change applied, a step in its direction."""
    document = yaml.safe_load(yaml.safe_dump(BASE))
    for change in changes:
        *parents, last = change.path.split(".")
        place: Any = document
        for name in parents:
            place = place[int(name)] if isinstance(place, list) else place[name]
        key: Any = int(last) if isinstance(place, list) else last
        place[key] = round(place[key] + STEP * change.direction, 6)
    return parse_registry(yaml.safe_dump(document)).snapshot


def _starts(snapshot: RegistrySnapshot) -> dict[str, int]:
    """How many golden prompts start on each tier."""
    found = dict.fromkeys(TIERS, 0)
    for each in read_golden(golden_file(), tiers=TIERS):
        subject = RoutingRequest.of(
            read_request({**each.request, "model": None, "tier": None}), "golden"
        )
        found[decide(subject, snapshot, DecisionContext(now=0, time_left_ms=600_000)).tier] += 1
    return found


def _only(name: str, row: dict[str, Any]) -> Advice:
    (advice,) = advice_on({name: [row]}, TIERS)
    return advice


@pytest.mark.parametrize("tier", TIERS[:-1])
def test_send_less_to_a_tier_sends_less_to_it(tier: str) -> None:
    advice = _only("misclassification", {"tier": tier, "rate": 0.3, "judged": 50})

    before, after = _starts(_snapshot()), _starts(_snapshot(*advice.changes))

    assert advice.what.startswith(f"Send less to {tier}: lower the boundary")
    assert advice.changes
    assert after[tier] < before[tier]


def test_the_last_tier_is_given_a_stronger_model_instead() -> None:
    advice = _only("misclassification", {"tier": TIERS[-1], "rate": 0.3, "judged": 50})

    assert advice.what.startswith("Give complex a stronger model")
    assert advice.changes == ()


def test_start_more_on_cheaper_tiers_moves_starts_to_the_first_tier() -> None:
    advice = _only("cost_vs_baseline", {"unknown_calls": 0, "saved_share": 0.05, "compared": 100})

    before, after = _starts(_snapshot()), _starts(_snapshot(*advice.changes))

    assert "raise policy.boundaries" in advice.what
    assert after[TIERS[0]] > before[TIERS[0]]
    assert after[TIERS[-1]] < before[TIERS[-1]]


def _escalated(snapshot: RegistrySnapshot, tier: str) -> int:
    """How many answers, one of each confidence, the cascade escalates."""
    standing = CascadeState(tier=tier, hop=0, time_left_ms=60_000, pinned=False)
    found = 0
    for percent in range(101):
        verdict = ConfidenceResult(confidence=percent / 100, parts={}, faults=())
        found += isinstance(after_answer(verdict, standing, snapshot), Escalate)
    return found


@pytest.mark.parametrize("tier", TIERS[:-1])
def test_escalate_less_often_reduces_escalations(tier: str) -> None:
    row = {
        "from_tier": tier, "to_tier": TIERS[TIERS.index(tier) + 1], "improved_share": 0.2,
        "compared": 50, "cost_added": 1.5,
    }  # fmt: skip
    advice = _only("escalation_value", row)

    assert "they cost $1.5000" in advice.why
    assert _escalated(_snapshot(*advice.changes), tier) < _escalated(_snapshot(), tier)


def test_savings_come_before_other_advice() -> None:
    answers = {
        "dead_letters": [{"letters": 5, "cause": "undecodable", "reason": "x"}],
        "provider_health": [
            {"model": "m", "instance": "i", "error_share": 0.5, "ok": 50, "errors": 50,
             "rate_limited": 0}
        ],
        "misclassification": [{"tier": "simple", "rate": 0.3, "judged": 50}],
        "cost_vs_baseline": [{"unknown_calls": 0, "saved_share": 0.05, "compared": 100}],
    }  # fmt: skip

    assert [each.question for each in advice_on(answers, TIERS)] == [
        "cost_vs_baseline",
        "misclassification",
        "provider_health",
        "dead_letters",
    ]
