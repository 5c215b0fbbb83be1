"""Headings of the report's tables: what a column holds, with its unit where figures do not show it.

Columns that are not named here are called as the question calls them.
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
        "saved_share": "saved, of the baseline",
        "spent": "spent in all",
        "answers": "spent on answers",
        "classifiers": "spent on classifiers",
        "judges": "spent on judges",
        "shadows": "spent on shadow calls",
        "replays": "spent on replays",
        "unknown_calls": "calls of unknown cost",
        "net_saved": "baseline less all that was spent",
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
        "improved": "surer afterwards",
        "improved_share": "share surer afterwards",
        "unknown_cost": "hops of unknown cost",
    },
    "routing_distribution": {
        "started": "requests started",
        "started_share": "share started",
        "answered": "requests answered",
        "answered_share": "share answered",
    },
    "extremes": {"fallbacks": "failed calls before the answer", "tiers": "tiers asked"},
    "fallback_rate": {"rate": "share of the calls that failed", "failed": "failed calls"},
}


def report_heading(question: str, column: str, unit: str, by: str = "") -> str:
    """The heading of a question's column; `by` says what `value` holds."""
    words = _WORDS.get(question, {}).get(column, column.replace("_", " "))
    if column == "value" and by:
        words = by
    return heading(words, unit)
