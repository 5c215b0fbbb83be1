"""Alert rules as values: what is measured, over how long, and which bounds it must not cross.

A measured value breaches a rule when it is above `above`, below `below`, or differs from the window
before by more than `change`; of quality only a fall counts. It is clear again only a little inside
the bounds (`hysteresis`), and in between whatever stands goes on standing, so that a value that
trembles about its bound fires once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.events import AGREES, CONFIDENCE, CONSISTENT, FEEDBACK, JUDGED


class MeasureKind(StrEnum):
    """What a rule measures."""

    COST_RATE = "cost_rate"
    """USD an hour, of calls whose cost is known; of all tenants together, or of each."""
    FALLBACK_RATE = "fallback_rate"
    """Share of answering calls that failed, each of which is followed by another; as
    `sluice query fallback_rate` counts it."""
    QUALITY_DROP = "quality_drop"
    """Mean score of one signal, by tier; where a signal names none, of all."""
    DISTRIBUTION_SHIFT = "distribution_shift"
    """Share of requests that were decided onto the first tier."""
    PROVIDER_DOWN = "provider_down"
    """Share of an instance's calls that failed in a way that speaks against it."""
    UNKNOWN_PRICE = "unknown_price"
    """Answered calls of a model for which no price is known."""
    DEAD_LETTERS = "dead_letters"
    """Messages that went to a dead-letter topic."""
    CONSUMER_LAG = "consumer_lag"
    """Mean of the records that a group is behind on a topic."""
    ERROR_RATE = "error_rate"
    """Share of requests that failed or expired, of all but the rejected."""


SEVERITIES = ("info", "warning", "critical")

SIGNALS = (CONFIDENCE, JUDGED, CONSISTENT, AGREES, FEEDBACK)
"""Quality signals that `quality_drop` can measure."""

HYSTERESIS = 0.1
"""Share of a bound that a value must be inside of it before an alert is resolved."""


class RuleState(StrEnum):
    """What a measured value says of a rule."""

    BREACHED = "breached"
    """It is beyond a bound."""
    BETWEEN = "between"
    """It is inside the bounds, but not far enough to resolve."""
    CLEAR = "clear"
    """It is well inside."""
    UNKNOWN = "unknown"
    """Nobody can say: nothing, or too little, was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule. Times are ms; `tenants` narrows what is counted, `per_tenant` counts each apart.

    `min_sample` is how much must be seen in a window before an alert fires; what fires already is
    judged by whatever there is. `pending_ms` is how long a breach must last before it fires,
    `resolve_ms` how long it must be clear.
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
        """Whether only a fall against the window before counts as a change."""
        return self.kind is MeasureKind.QUALITY_DROP


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Whom alerts are sent to: of these rules (of all where none is named), as JSON by POST.

    `api_key_env` names the environment variable whose content goes along as a bearer token.
    """

    url: str
    rules: frozenset[str] = frozenset()
    api_key_env: str | None = None

    def wants(self, rule: str) -> bool:
        """Whether alerts of this rule are sent there."""
        return not self.rules or rule in self.rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """The `alerts` part of a registry version."""

    rules: tuple[AlertRule, ...] = ()
    webhooks: tuple[Webhook, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a rule measured of one subject: the value now, in the window before, and from how much.

    A value is `None` where nothing was seen.
    """

    subject: str
    value: float | None
    sample: int
    before: float | None = None
    sample_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEvaluation:
    """A verdict, and the bound that it is about where there is one."""

    verdict: RuleState
    threshold: float | None = None


def judge(rule: AlertRule, reading: Measurement, *, firing: bool) -> RuleEvaluation:
    """What a reading says of its rule; `firing` whether an alert of it stands."""
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
    """For each bound: how far beyond it the value is, the bound, and the room to resolve in."""
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
