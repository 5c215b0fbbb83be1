"""The page about a range of traffic: money, routing, quality, latency, providers, experiments.
Pure.

Every figure is a result of a named query of `sluice query`; the page gives the name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any

from infra.figures import RIGHT, dollars, shown
from infra.reporting.advice import Answers, Rows, advice_on
from infra.reporting.axes import Axis
from infra.reporting.headings import report_heading
from infra.reporting.line_chart import Line, line_chart
from infra.reporting.markup import Markup, key_figures, section, side_by_side, subheading, table
from infra.reporting.page import page
from sinks.analytics.named_queries import question

_KINDS = ("examined", "length", "oracle", "random", "limit2")
_MOST_ROWS = 12
_NAMELESS = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficFigures:
    """Query results over a time range (aware, UTC), by query, and by query and parameter
    (`cost_by.model`); `every` is the length of a period, hour or day; `tiers` are the registry's,
    cheapest first.
    """

    since: datetime
    until: datetime
    every: str
    answers: Answers
    tiers: tuple[str, ...] = ()


def traffic_page(traffic: TrafficFigures) -> str:
    """Return the page as one self-contained HTML document."""
    answers = traffic.answers
    between = f"{traffic.since:%Y-%m-%d %H:%M} to {traffic.until:%Y-%m-%d %H:%M} UTC"
    sections = [
        savings_headline(answers.get("cost_vs_baseline", ())),
        side_by_side(_spend(traffic), _saved(traffic)),
        _next(traffic),
        section(
            "Money",
            _table("cost_vs_baseline", answers),
            subheading("By model"),
            _table("cost_by", answers, "cost_by.model"),
            subheading("By feature"),
            _table("cost_by", answers, "cost_by.feature"),
            subheading("By tenant"),
            _table("cost_by", answers, "cost_by.tenant"),
            subheading("By purpose"),
            _table("cost_by", answers, "cost_by.purpose"),
            subheading("Most expensive requests"),
            _table("extremes", answers, "extremes.cost"),
            subheading("Prompt caches"),
            _table("cache_effects", answers),
        ),
        section(
            "Routing",
            _table("routing_distribution", answers),
            _distribution(traffic),
            subheading("Escalations"),
            _table("escalation_value", answers),
        ),
        section(
            "Quality",
            _table("quality_by_tier", answers),
            subheading("Started on a too low tier"),
            _table("misclassification", answers),
        ),
        section(
            "Time",
            _table("latency_by_tier", answers),
            subheading("Routing overhead"),
            _table("routing_overhead", answers),
            subheading("Slowest requests"),
            _table("extremes", answers, "extremes.latency"),
        ),
        section(
            "Providers",
            _table("provider_health", answers),
            subheading("Failed calls"),
            _table("fallback_rate", answers),
        ),
        section("Experiments", _table("experiment", answers), _table("experiment_arms", answers)),
        section("Dead letters", _table("dead_letters", answers)),
    ]
    return page("Sluice", between, sections, "Every table is the result of sluice query NAME.")


def _next(traffic: TrafficFigures) -> Markup:
    found = advice_on(traffic.answers, traffic.tiers)
    if not found:
        return section("Recommendations", "None.")
    rows = [(each.what, each.why, f"sluice query {each.question}") for each in found]
    return section("Recommendations", table(("action", "reason", "see"), rows, words=(0, 1, 2)))


def _table(name: str, answers: Answers, key: str = "") -> Markup:
    named_query, rows = question(name), answers.get(key or name, ())
    if not rows:
        return Markup("<p>No data in this range.</p>")
    columns = [
        column
        for column in named_query.columns
        if any(row[column.name] is not None for row in rows)
    ]
    cells = [
        [shown(row[each.name], each.unit) or _NAMELESS for each in columns]
        for row in rows[:_MOST_ROWS]
    ]
    left = [place for place, each in enumerate(columns) if each.unit not in RIGHT]
    by = key.partition(".")[2]
    heads = [report_heading(name, each.name, each.unit, by) for each in columns]
    if len(rows) == 1 and not left:
        return key_figures(zip(heads, cells[0], strict=True))
    more = len(rows) - _MOST_ROWS
    given = f" --param by={by}" if by else ""
    note = f"<p>and {more} more: sluice query {name}{given}</p>" if more > 0 else ""
    return Markup(table(heads, cells, words=left) + note)


def _spend(traffic: TrafficFigures) -> Markup:
    rows = traffic.answers.get("savings", ())
    lines = [
        Line(name=name, kind=kind, points=_points(traffic, rows, column))
        for name, kind, column in (
            ("spent", "examined", "spent"),
            ("baseline", "length", "baseline"),
        )
    ]
    return _over_time(traffic, lines, "USD", f"Spend by {traffic.every}", "{:g}".format)


def _saved(traffic: TrafficFigures) -> Markup:
    rows = traffic.answers.get("savings", ())
    line = Line(name="saved", kind="examined", points=_points(traffic, rows, "saved_share"))
    return _over_time(traffic, [line], "share", "Saved, share of the baseline", "{:.0%}".format)


def _distribution(traffic: TrafficFigures) -> Markup:
    rows = traffic.answers.get("routing_distribution.over_time", ())
    tiers = list(dict.fromkeys(row["tier"] for row in rows))
    lines = [
        Line(
            name=tier,
            kind=_KINDS[number % len(_KINDS)],
            points=_points(traffic, [row for row in rows if row["tier"] == tier], "started_share"),
        )
        for number, tier in enumerate(tiers)
    ]
    title = "Share of requests started on each tier"
    return _over_time(traffic, lines, "share", title, "{:.0%}".format)


def _points(traffic: TrafficFigures, rows: Rows, column: str) -> list[tuple[float, float]]:
    return [
        (_hours(traffic, row["period"]), float(row[column]))
        for row in rows
        if row[column] is not None
    ]


def _hours(traffic: TrafficFigures, at: datetime) -> float:
    return (at - _midnight(traffic)).total_seconds() / 3600


def _midnight(traffic: TrafficFigures) -> datetime:
    return traffic.since.replace(hour=0, minute=0, second=0, microsecond=0)


def _over_time(
    traffic: TrafficFigures,
    lines: Sequence[Line],
    label: str,
    title: str,
    show: Callable[[float], str],
) -> Markup:
    drawn = [line for line in lines if line.points]
    if not drawn:
        return Markup(f"<p>{title}: no data in this range.</p>")
    values = [value for line in drawn for _, value in line.points]
    places = [at for line in drawn for at, _ in line.points]
    by_day = traffic.every == "day"
    unit = 24.0 if by_day else 1.0

    def clock(value: float) -> str:
        at = _midnight(traffic) + timedelta(hours=value * unit)
        return f"{at:%m-%d}" if by_day else f"{at:%H:%M}"

    drawn = [
        Line(
            name=line.name, kind=line.kind, points=[(at / unit, value) for at, value in line.points]
        )
        for line in drawn
    ]
    low, high = min(places) / unit, max(places) / unit
    # A single period is a point in the middle of its hour or day.
    room = 0.5 if low == high else 0.0
    across = Axis(
        label=f"UTC, from {traffic.since:%Y-%m-%d %H:%M}, by the {traffic.every}",
        low=low - room,
        high=high + room,
        show=clock,
        least_step=1.0,
    )
    up = Axis.around(label, min(0.0, *values), max(0.0, *values), show)
    return line_chart(across, up, drawn, title=title)


def savings_headline(rows: Rows) -> Markup:
    """Return the savings, their base, and the net savings after all other spending."""
    row = rows[0] if rows else {}
    share = row.get("saved_share")
    if share is None:
        why = "no answered request has both a known cost and a known baseline"
        return _headline("Savings unknown", f"{why}; see sluice query cost_vs_baseline")
    percentage = f"{abs(share):.0%}".replace("%", " %")
    verb = "saved" if share >= 0 else "more expensive than the baseline"
    text = (
        f"{_usd(row['cost'])} instead of {_usd(row['baseline'])} for {row['compared']:,} answered "
        "requests, compared with sending each to the baseline model."
    )
    net, baseline = row.get("net_saved"), row.get("baseline")
    if net is not None and baseline and net != row.get("saved"):
        text += (
            f" With all other spend (judges, shadow calls, failed requests), {_usd(net)} are saved."
        )
    if row.get("unknown_calls"):
        text += f" {row['unknown_calls']:,} calls of unknown cost are not included."
    return _headline(f"{percentage} {verb}", text)


def _headline(title: str, text: str) -> Markup:
    return Markup(
        f'<section class="headline"><p>{escape(title)}</p><p>{escape(text)}</p></section>'
    )


def _usd(value: Any) -> str:
    return dollars(Decimal(str(value)))
