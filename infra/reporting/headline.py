"""The headline of the report: the savings of routing. Pure."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import Any

from infra.figures import dollars
from infra.reporting.advice import Rows
from infra.reporting.markup import Markup


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
