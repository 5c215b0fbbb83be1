"""Headings of the report's tables, with the unit if the figures do not show it.

Columns without an entry have the name of the query's column.
"""

from __future__ import annotations

from collections.abc import Mapping

from infra.figures import heading

_WORDS: Mapping[str, Mapping[str, str]] = {
    "cost_vs_baseline": {
        "requests": "answered requests",
        "compared": "of them, with known cost and baseline",
        "unknown_cost": "requests of unknown cost",
        "unknown_baseline": "requests of unknown baseline",
        "cost": "cost of the compared",
        "baseline": "baseline of the compared",
        "saved_share": "saved, share of the baseline",
        "spent": "total spent",
        "answers": "spent on answers",
        "classifiers": "spent on classifiers",
        "judges": "spent on judges",
        "shadows": "spent on shadow calls",
        "replays": "spent on replays",
        "unknown_calls": "calls of unknown cost",
        "net_saved": "baseline less total spent",
    },
    "cost_by": {
        "cost_share": "share of the cost",
        "unknown_cost": "calls of unknown cost",
    },
    "misclassification": {
        "tier": "started on",
        "low": "not good enough",
        "rate": "share not good enough",
        "unjudged": "not judged",
    },
    "escalation_value": {
        "improved": "higher confidence afterwards",
        "improved_share": "share with higher confidence",
        "unknown_cost": "hops of unknown cost",
    },
    "routing_distribution": {
        "started": "requests started",
        "started_share": "share started",
        "answered": "requests answered",
        "answered_share": "share answered",
    },
    "extremes": {"fallbacks": "failed calls before the answer", "tiers": "tiers called"},
    "fallback_rate": {"rate": "share of the calls that failed", "failed": "failed calls"},
}


def report_heading(question: str, column: str, unit: str, by: str = "") -> str:
    """Return the heading of a query's column; `by` is the meaning of `value`."""
    words = _WORDS.get(question, {}).get(column, column.replace("_", " "))
    if column == "value" and by:
        words = by
    return heading(words, unit)
