"""The `alerts` part of the registry: defaults for what is left out, errors named by path."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from streams.routing.alert_rules import MeasureKind
from tests.unit.alerts.world import alerting

WRONG = {
    "a kind that there is not": ("rules: {x: {kind: magic}}", "must be one of .*cost_rate"),
    "no kind": ("rules: {spend: {above: 1}}", "rules.spend.kind: expected one of"),
    "no bound where none is usual": ("rules: {cost_rate: {}}", "cost_rate needs a bound"),
    "a bound of another kind": (
        "rules: {error_rate: {below: 0.1}}",
        "not a bound of error_rate; set above",
    ),
    "a share above one": ("rules: {error_rate: {above: 5}}", "is a share from 0 to 1"),
    "a signal where there is none": (
        "rules: {error_rate: {signal: judge}}",
        "error_rate has no signal",
    ),
    "by tenant where it is not": ("rules: {dead_letters: {per_tenant: true}}", "not measured by"),
    "a window of days": ("rules: {error_rate: {window_s: 90000}}", "window_s"),
    "an unknown key": ("rules: {error_rate: {treshold: 1}}", "treshold"),
    "a severity": ("rules: {error_rate: {severity: panic}}", "must be one of critical"),
    "credentials in a URL": ('webhooks: [{url: "https://me:pw@x.example/"}]', "url"),
    "no URL": ('webhooks: [{url: "ftp://x.example/"}]', "url"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_invalid_alert_setting_is_refused_with_its_path(case: str) -> None:
    text, message = WRONG[case]
    with pytest.raises(ValidationError, match=message):
        alerting(text)


def test_a_rule_named_like_a_kind_needs_nothing_else() -> None:
    (rule,) = alerting("rules: {provider_down: {}}").rules
    assert (rule.kind, rule.above, rule.window_ms) == (MeasureKind.PROVIDER_DOWN, 0.5, 60_000)


def test_a_given_bound_replaces_all_default_bounds() -> None:
    (rule,) = alerting("rules: {quality_drop: {below: 0.7, signal: judge}}").rules
    assert (rule.below, rule.change, rule.signal) == (0.7, None, "judge")


def test_two_rules_may_measure_the_same() -> None:
    text = """
    rules:
      warn: {kind: cost_rate, above: 10}
      stop: {kind: cost_rate, above: 50, severity: critical}
    """
    warn = {rule.name: rule.above for rule in alerting(text).rules}
    assert warn == {"stop": 50, "warn": 10}


def test_a_webhook_receives_all_alerts_unless_it_names_rules() -> None:
    text = """
    webhooks:
      - {url: "https://hooks.example/a"}
      - {url: "https://hooks.example/b", rules: [budget], api_key_env: HOOK_API_KEY}
    """
    every, some = alerting(text).webhooks
    assert every.wants("anything")
    assert some.wants("budget")
    assert not some.wants("anything")


def test_the_example_of_the_page_is_valid() -> None:
    page = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    found = alerting(yaml.safe_dump(yaml.safe_load(example)["alerts"]))
    assert (len(found.rules), len(found.webhooks)) == (9, 2)
    assert all(f"| `{kind}` |" in page for kind in MeasureKind)
