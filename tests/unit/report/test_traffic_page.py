"""The page about a range of traffic, from answers alone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from infra.report.traffic_page import Traffic, traffic_page
from sinks.questions import question


def _page(**answers: list[dict[str, object]]) -> str:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    return traffic_page(Traffic(since=at, until=at, every="hour", answers=answers))


def _row(name: str, **known: object) -> dict[str, object]:
    return {each.name: known.get(each.name) for each in question(name).columns}


def test_figures_that_stand_alone_are_no_table() -> None:
    found = _page(cost_vs_baseline=[_row("cost_vs_baseline", requests=7, spent=Decimal("0.5"))])

    assert "<dt>requests</dt><dd>7</dd>" in found
    assert "<dt>spent</dt><dd>$0.5000</dd>" in found
    assert "<dt>judges</dt>" not in found  # nothing is known of it


def test_what_names_nothing_is_seen_to_do_so() -> None:
    row = _row("cost_by", value="", calls=3, unknown_cost=0)
    found = _page(**{"cost_by.feature": [row]})

    assert "<td>–</td>" in found
