"""Sections of the registry file on alerts and their receivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from streams.registry.document.models import DocumentPart, Name, one_of
from streams.registry.document.web_addresses import WebAddress
from streams.routing.alert_rules import (
    SEVERITIES,
    SIGNALS,
    Alerting,
    AlertRule,
    MeasureKind,
    Webhook,
)

MOST_RULES = 64
MOST_WEBHOOKS = 16
_LONGEST_WINDOW_S = 6 * 3_600
"""Windows are re-read from the log when their evaluator moves, so they are kept short."""

Bound = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[int, Field(ge=0, le=_LONGEST_WINDOW_S)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Usual:
    """Defaults of a kind, and its allowed bounds in `bounds`."""

    bounds: frozenset[str]
    above: float | None = None
    below: float | None = None
    change: float | None = None
    window_s: int = 300
    min_sample: int = 20
    share: bool = False
    tenants: bool = False


_USUAL = {
    MeasureKind.COST_RATE: _Usual(
        bounds=frozenset({"above"}), window_s=3_600, min_sample=1, tenants=True
    ),
    MeasureKind.FALLBACK_RATE: _Usual(
        bounds=frozenset({"above"}), above=0.2, share=True, tenants=True
    ),
    MeasureKind.QUALITY_DROP: _Usual(
        bounds=frozenset({"below", "change"}), change=0.1, window_s=1_800, min_sample=50, share=True
    ),
    MeasureKind.DISTRIBUTION_SHIFT: _Usual(
        bounds=frozenset({"above", "below", "change"}),
        change=0.2,
        window_s=1_800,
        min_sample=100,
        share=True,
        tenants=True,
    ),
    MeasureKind.PROVIDER_DOWN: _Usual(
        bounds=frozenset({"above"}), above=0.5, window_s=60, min_sample=5, share=True
    ),
    MeasureKind.UNKNOWN_PRICE: _Usual(bounds=frozenset({"above"}), above=0.0, min_sample=1),
    MeasureKind.DEAD_LETTERS: _Usual(bounds=frozenset({"above"}), above=0.0, min_sample=1),
    MeasureKind.CONSUMER_LAG: _Usual(bounds=frozenset({"above"}), window_s=60, min_sample=3),
    MeasureKind.ERROR_RATE: _Usual(
        bounds=frozenset({"above"}), above=0.05, share=True, tenants=True
    ),
}
_BOUNDS = ("above", "below", "change")


class AlertRulePart(DocumentPart):
    """One rule: its measure (`kind`; without it, the rule's own name), over `window_s`, and its
    bounds. `for_s` is how long a breach must last before it fires, `resolve_after_s` how long it
    must be clear; `min_sample` is the smallest sample in a window.
    """

    kind: Annotated[str, one_of(tuple(MeasureKind))] | None = None
    above: Bound | None = None
    below: Bound | None = None
    change: Bound | None = None
    window_s: Annotated[Seconds, Field(ge=10)] | None = None
    min_sample: Annotated[int, Field(ge=1)] | None = None
    for_s: Seconds = 0
    resolve_after_s: Seconds = 60
    severity: Annotated[str, one_of(SEVERITIES)] = "warning"
    per_tenant: bool = False
    tenant: tuple[Name, ...] = ()
    signal: Annotated[str, one_of(SIGNALS)] | None = None


class WebhookPart(DocumentPart):
    """A URL that receives alerts, of `rules` only if set. The operator must allow its host
    (`SLUICE_ALLOWED_HOSTS`; loopback by name only), and the variable of a bearer token for that
    host (`SLUICE_ALLOWED_KEYS` with an entry `KEY@host`).
    """

    url: WebAddress
    rules: Annotated[tuple[Name, ...], Field(max_length=MOST_RULES)] = ()
    api_key_env: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None


class AlertsPart(DocumentPart):
    """Rules that are evaluated on the events, by name, and the receivers of alerts."""

    rules: Annotated[dict[Name, AlertRulePart], Field(max_length=MOST_RULES)] = Field(
        default_factory=dict
    )
    webhooks: Annotated[tuple[WebhookPart, ...], Field(max_length=MOST_WEBHOOKS)] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> AlertsPart:
        problems = [
            f"rules.{name}.{problem}"
            for name, part in self.rules.items()
            for problem in _problems(name, part)
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def alerting_of(part: AlertsPart) -> Alerting:
    """Convert a validated section."""
    return Alerting(
        rules=tuple(_rule(name, rule) for name, rule in sorted(part.rules.items())),
        webhooks=tuple(
            Webhook(url=each.url, rules=frozenset(each.rules), api_key_env=each.api_key_env)
            for each in part.webhooks
        ),
    )


def _rule(name: str, part: AlertRulePart) -> AlertRule:
    kind = MeasureKind(part.kind or name)
    usual = _USUAL[kind]
    has_bounds = any(getattr(part, bound) is not None for bound in _BOUNDS)
    bounds = part if has_bounds else usual
    return AlertRule(
        name=name,
        kind=kind,
        window_ms=(part.window_s or usual.window_s) * 1_000,
        min_sample=part.min_sample or usual.min_sample,
        above=bounds.above,
        below=bounds.below,
        change=bounds.change,
        pending_ms=part.for_s * 1_000,
        resolve_ms=part.resolve_after_s * 1_000,
        severity=part.severity,
        per_tenant=part.per_tenant,
        tenants=frozenset(part.tenant),
        signal=part.signal or (SIGNALS[0] if kind is MeasureKind.QUALITY_DROP else None),
    )


def _problems(name: str, part: AlertRulePart) -> Iterator[str]:
    if part.kind is None and name not in tuple(MeasureKind):
        yield "kind: expected one of " + ", ".join(sorted(MeasureKind))
        return
    kind = MeasureKind(part.kind or name)
    usual = _USUAL[kind]
    given = {bound for bound in _BOUNDS if getattr(part, bound) is not None}
    yield from (
        f"{bound}: not a bound of {kind}; set {' or '.join(sorted(usual.bounds))}"
        for bound in sorted(given - usual.bounds)
    )
    if not given and not any(getattr(usual, bound) is not None for bound in _BOUNDS):
        yield f"above: {kind} needs a bound"
    if usual.share:
        yield from (
            f"{bound}: {kind} is a share from 0 to 1"
            for bound in sorted(given)
            if getattr(part, bound) > 1
        )
    if part.signal is not None and kind is not MeasureKind.QUALITY_DROP:
        yield f"signal: {kind} has no signal"
    if (part.per_tenant or part.tenant) and not usual.tenants:
        yield f"{'tenant' if part.tenant else 'per_tenant'}: {kind} is not measured by tenant"
