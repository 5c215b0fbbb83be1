"""Budgets in the registry file: checked, priced, and no reason for another hash without any."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml

from infra.devstack.registry import local_registry
from schemas.errors import RegistryError
from streams.registry.version import RegistryVersion, parse_registry
from streams.routing.budgets import BudgetSubject

GOOD: dict[str, Any] = yaml.safe_load(local_registry("http://127.0.0.1:1"))
MODEL = next(iter(GOOD["models"]))


def _with(*, unpriced: bool = False, **budgets: Any) -> RegistryVersion:
    document = orjson.loads(orjson.dumps(GOOD))
    if unpriced:
        document["models"][MODEL] |= {"model": "nobody-knows-this-one", "price": None}
    return parse_registry(orjson.dumps({**document, "budgets": budgets}))


def test_a_budget_becomes_a_meter_a_limit_and_levels() -> None:
    (budget,) = _with(
        faq={
            "per": "user",
            "match": {"feature": ["faq"], "user": ["u1", "u2"]},
            "window": "hour",
            "usd": 0.25,
            "then": "downgrade",
            "alert_at": [0.9],
        }
    ).snapshot.budgets

    assert budget.limit_nano == 250_000_000
    assert (budget.then, budget.alert_at, budget.meter.window) == ("downgrade", (0.9,), "hour")
    assert budget.meter.subject_of(BudgetSubject(tenant="a", user_id="u1", feature="faq")) == "a/u1"
    assert budget.meter.subject_of(BudgetSubject(tenant="a", user_id="u3", feature="faq")) is None
    assert budget.meter.subject_of(BudgetSubject(tenant="a", user_id="u1", feature="ocr")) is None


def test_a_budget_defaults_to_a_day_with_alerts_at_50_80_and_100_percent() -> None:
    (budget,) = _with(all={"per": "tenant", "usd": 1}).snapshot.budgets

    assert (budget.meter.window, budget.then) == ("day", "alert")
    assert budget.alert_at == (0.5, 0.8, 1.0)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"per": "team", "usd": 1}, r"budgets\.b\.per: must be one of feature, model, tenant"),
        ({"per": "user"}, r"budgets\.b\.usd"),
        ({"per": "user", "usd": 0}, r"budgets\.b\.usd"),
        ({"per": "user", "usd": 1, "window": "week"}, "must be one of day, hour, month"),
        ({"per": "user", "usd": 1, "then": "cry"}, "must be one of alert, downgrade, reject"),
        ({"per": "user", "usd": 1, "alert_at": [0.8, 0.5]}, "alert_at: must be ascending"),
        ({"per": "user", "usd": 1, "alert_at": [0]}, r"budgets\.b\.alert_at\.0"),
        ({"per": "user", "usd": 1, "match": {"team": ["a"]}}, r"match\.team: unknown key"),
        ({"per": "user", "usd": 1, "match": {"model": ["gpt-9"]}}, "gpt-9 is not one of the mod"),
    ],
)
def test_an_invalid_budget_is_named(part: dict[str, Any], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        _with(b=part)


@pytest.mark.parametrize("then", ["downgrade", "reject"])
def test_an_unpriced_model_under_a_budget_that_stops_is_refused(then: str) -> None:
    with pytest.raises(RegistryError, match=rf"models\.{MODEL}\.price: .*budgets\.b"):
        _with(unpriced=True, b={"per": "tenant", "usd": 1, "then": then})


def test_an_unpriced_model_under_a_budget_that_only_alerts_is_not() -> None:
    assert _with(unpriced=True, b={"per": "tenant", "usd": 1}).snapshot.budgets


def test_an_unpriced_model_that_no_budget_concerns_is_not_refused() -> None:
    other = next(name for name in GOOD["models"] if name != MODEL)
    part = {"per": "model", "usd": 1, "then": "reject", "match": {"model": [other]}}

    assert _with(unpriced=True, b=part).snapshot.budgets


def test_a_file_without_budgets_omits_them_and_keeps_its_hash() -> None:
    assert b"budgets" not in parse_registry(orjson.dumps(GOOD)).content


def test_a_version_with_budgets_has_the_same_hash_when_it_is_read_back() -> None:
    version = _with(b={"per": "user", "usd": 1.5, "match": {"tenant": ["a"]}})

    assert parse_registry(version.content).hash == version.hash
