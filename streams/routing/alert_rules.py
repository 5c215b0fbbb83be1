"""Alert rules as values: the measure, the window, and the bounds.

A measured value breaches a rule when it is above `above`, below `below`, or differs from the
previous window by more than `change`. For quality only a fall counts. A value clears only when it
is inside the bounds by the margin `HYSTERESIS`. In between, the alert keeps its state, so a value
that oscillates around its bound fires once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.events import AGREES, CONFIDENCE, CONSISTENT, FEEDBACK, JUDGED


class MeasureKind(StrEnum):
    """Measures of a rule."""

    COST_RATE = "cost_rate"
    """USD an hour, of calls with a known cost; of all tenants together, or of each."""
    FALLBACK_RATE = "fallback_rate"
    """Share of answering calls that failed and were followed by another call, as in `sluice query
    fallback_rate`.
    """
    QUALITY_DROP = "quality_drop"
    """Mean score of one signal, by tier; without a signal, of all signals."""
    DISTRIBUTION_SHIFT = "distribution_shift"
    """Share of requests that start on the first tier."""
    PROVIDER_DOWN = "provider_down"
    """Share of an instance's calls that failed with an error attributed to the instance."""
    UNKNOWN_PRICE = "unknown_price"
    """Answered calls of a model without a known price."""
    DEAD_LETTERS = "dead_letters"
    """Messages sent to a dead-letter topic."""
    CONSUMER_LAG = "consumer_lag"
    """Mean lag of a group on a topic, in records."""
    ERROR_RATE = "error_rate"
    """Share of failed or expired requests, rejected requests excluded."""


SEVERITIES = ("info", "warning", "critical")

SIGNALS = (CONFIDENCE, JUDGED, CONSISTENT, AGREES, FEEDBACK)
"""Quality signals that `quality_drop` supports."""

HYSTERESIS = 0.1
"""Margin inside a bound, as a share of the bound, at which an alert resolves."""


class RuleState(StrEnum):
    """State of a rule for a measured value."""

    BREACHED = "breached"
    """The value is beyond a bound."""
    BETWEEN = "between"
    """The value is inside the bounds, but not by the margin."""
    CLEAR = "clear"
    """The value is inside the bounds by the margin."""
    UNKNOWN = "unknown"
    """The window has no data or too little data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule. Times are ms. `tenants` filters what is counted, `per_tenant` counts each
    separately.

    `min_sample` is the smallest sample in a window at which an alert fires. A firing alert is
    evaluated with any sample. `pending_ms` is how long a breach must last before the alert fires,
    `resolve_ms` how long the value must be clear.
    """

    name: str
    kind: MeasureKind
    window_ms: int
    min_sample: int = 1
    above: float | None = None
    below: float | None = None
    change: float | None = None
    pending_ms: int = 0
    resolve_ms: int = 60_000
    severity: str = "warning"
    per_tenant: bool = False
    tenants: frozenset[str] = frozenset()
    signal: str | None = None

    @property
    def falls_only(self) -> bool:
        """Return whether only a fall against the previous window counts as a change."""
        return self.kind is MeasureKind.QUALITY_DROP


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Webhook that receives alerts as JSON by POST: those of `rules`, or all if it is empty.

    `api_key_env` names the environment variable that holds the bearer token.
    """

    url: str
    rules: frozenset[str] = frozenset()
    api_key_env: str | None = None

    def wants(self, rule: str) -> bool:
        """Return whether the webhook receives alerts of this rule."""
        return not self.rules or rule in self.rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """The `alerts` section of a registry version."""

    rules: tuple[AlertRule, ...] = ()
    webhooks: tuple[Webhook, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Measured value of one subject: current value, value of the previous window, and sample sizes.

    A value is `None` without data.
    """

    subject: str
    value: float | None
    sample: int
    before: float | None = None
    sample_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEvaluation:
    """State of a rule, and the bound that determined it, if any."""

    verdict: RuleState
    threshold: float | None = None


def judge(rule: AlertRule, reading: Measurement, *, firing: bool) -> RuleEvaluation:
    """Evaluate a rule on a reading; `firing` is whether an alert of the rule is active."""
    least = 1 if firing else rule.min_sample
    value = reading.value
    if value is None or reading.sample < least:
        return RuleEvaluation(verdict=RuleState.UNKNOWN)
    margins = list(_margins(rule, reading, value, least))
    if not margins:
        return RuleEvaluation(verdict=RuleState.UNKNOWN)
    worst, threshold, room = max(margins, key=lambda each: each[0])
    if worst > 0:
        return RuleEvaluation(verdict=RuleState.BREACHED, threshold=threshold)
    inside = -worst >= room
    return RuleEvaluation(
        verdict=RuleState.CLEAR if inside else RuleState.BETWEEN, threshold=threshold
    )


def _margins(
    rule: AlertRule, reading: Measurement, value: float, least: int
) -> list[tuple[float, float, float]]:
    """Return for each bound: excess over the bound, the bound, and the margin to resolve."""
    found = []
    if rule.above is not None:
        found.append((value - rule.above, rule.above, abs(rule.above) * HYSTERESIS))
    if rule.below is not None:
        found.append((rule.below - value, rule.below, abs(rule.below) * HYSTERESIS))
    if rule.change is not None and reading.before is not None and reading.sample_before >= least:
        difference = reading.before - value
        moved = difference if rule.falls_only else abs(difference)
        found.append((moved - rule.change, rule.change, rule.change * HYSTERESIS))
    return found
