"""Definitions of the dashboards: each panel is a named query, or some columns of its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EVERY = "${every}"
"""The dashboard variable for the length of a period."""

Kind = Literal["stat", "lines", "bars", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: `names` are its columns, all if empty.

    Lines have their time in `time`; the text column in `names` is the name of the line. Width and
    height are in cells of Grafana's grid, which is 24 wide.
    """

    title: str
    question: str
    kind: Kind
    names: tuple[str, ...] = ()
    time: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    width: int = 12
    height: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A page of panels, laid out from left to right."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def _stat(title: str, column: str) -> Panel:
    return Panel(
        title=title, question="cost_vs_baseline", kind="stat", names=(column,), width=6, height=4
    )


def _table(title: str, question: str, width: int = 24, **parameters: str) -> Panel:
    return Panel(title=title, question=question, kind="table", parameters=parameters, width=width)


_EVERY = {"every": EVERY}

MONEY = Dashboard(
    uid="sluice-money",
    title="Sluice: money",
    panels=(
        _stat("Saved, of the baseline", "saved_share"),
        _stat("Saved, net of all other calls", "net_saved"),
        _stat("Spent", "spent"),
        _stat("Calls of unknown cost", "unknown_calls"),
        Panel(
            title="Cost and baseline of the compared requests", question="savings",
            kind="lines", time="period", names=("cost", "baseline"), parameters=_EVERY,
        ),
        Panel(
            title="Spend by tenant", question="spend", kind="lines", time="period",
            names=("tenant", "cost"), parameters=_EVERY,
        ),
        *(
            Panel(
                title=f"Cost by {by}", question="cost_by", kind="bars", names=("value", "cost"),
                parameters={"by": by}, width=8,
            )
            for by in ("model", "feature", "purpose")
        ),
        _table("Most expensive requests", "extremes", by="cost"),
        _table("Effect of prompt caches", "cache_effects"),
        _table("Calls of unknown cost", "unknown_cost", limit="100"),
    ),
)  # fmt: skip

JUDGEMENT = Dashboard(
    uid="sluice-judgement",
    title="Sluice: judgement",
    panels=(
        Panel(
            title="Share of requests started on each tier", question="routing_distribution",
            kind="lines", time="period", names=("tier", "started_share"), parameters=_EVERY,
        ),
        Panel(
            title="Share of answers from each tier", question="routing_distribution",
            kind="lines", time="period", names=("tier", "answered_share"), parameters=_EVERY,
        ),
        _table("Quality by tier and signal", "quality_by_tier"),
        _table("Requests that started on a too low tier", "misclassification", 12),
        _table("Value of escalation", "escalation_value", 12),
        _table("Confidence and later quality", "calibration"),
        _table("Answers of other tiers (shadow calls)", "shadow"),
        _table("Experiments", "experiment"),
    ),
)  # fmt: skip

OPERATIONS = Dashboard(
    uid="sluice-operations",
    title="Sluice: operations",
    panels=(
        _table("Latency by tier", "latency_by_tier"),
        _table("Routing overhead", "routing_overhead", 12),
        _table("Failed calls", "fallback_rate", 12),
        _table("Provider instances", "provider_health"),
        _table("Alerts", "alerts", limit="100"),
        _table("Slowest requests", "extremes", by="latency"),
        _table("Dead letters", "dead_letters"),
    ),
)

DASHBOARDS = (MONEY, JUDGEMENT, OPERATIONS)
