"""The page about a range of traffic, from answers alone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from infra.reporting.traffic_page import TrafficFigures, traffic_page
from sinks.analytics.named_queries import question


def _page(**answers: list[dict[str, object]]) -> str:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    return traffic_page(TrafficFigures(since=at, until=at, every="hour", answers=answers))


def _row(name: str, **known: object) -> dict[str, object]:
    return {each.name: known.get(each.name) for each in question(name).columns}


def test_single_figures_are_not_a_table() -> None:
    found = _page(cost_vs_baseline=[_row("cost_vs_baseline", requests=7, spent=Decimal("0.5"))])

    assert "<dt>answered requests</dt><dd>7</dd>" in found
    assert "<dt>total spent</dt><dd>$0.5000</dd>" in found
    assert "<dt>spent on judges</dt>" not in found  # without any figures


def test_an_empty_name_is_shown_as_a_dash() -> None:
    row = _row("cost_by", value="", calls=3, unknown_cost=0)
    found = _page(**{"cost_by.feature": [row]})

    assert "<td>–</td>" in found


SAVED: dict[str, tuple[dict[str, object], str]] = {
    "much": ({"saved_share": 0.634, "net_saved": Decimal("6.34")}, "63 % saved"),
    "less than nothing": ({"saved_share": -0.12}, "12 % more expensive than the baseline"),
    "nobody knows": ({"saved_share": None}, "Savings unknown"),
}


@pytest.mark.parametrize("kind", SAVED)
def test_the_page_begins_with_the_savings(kind: str) -> None:
    known, headline = SAVED[kind]
    row = _row(
        "cost_vs_baseline", compared=100, cost=Decimal("3.66"), baseline=Decimal("10"),
        saved=Decimal("6.34"), unknown_calls=0, **known,
    )  # fmt: skip

    found = _page(cost_vs_baseline=[row])

    assert found.index(headline) < found.index("Recommendations") < found.index("<h2>Money</h2>")


def test_other_spend_is_in_the_headline() -> None:
    row = _row(
        "cost_vs_baseline", compared=100, cost=Decimal(4), baseline=Decimal(10), saved=Decimal(6),
        saved_share=0.6, net_saved=Decimal(5), unknown_calls=2,
    )  # fmt: skip

    found = _page(cost_vs_baseline=[row])

    assert "$5.0000 are saved" in found
    assert "2 calls of unknown cost are not included" in found


def _hour(at: datetime) -> dict[str, object]:
    return _row(
        "savings", period=at, spent=Decimal("0.5"), baseline=Decimal(1), saved_share=0.5, cost=0
    )


def test_one_hour_of_traffic_is_a_chart_already() -> None:
    begun = datetime(2026, 11, 25, 8, 2, tzinfo=UTC)
    page = traffic_page(
        TrafficFigures(
            since=begun,
            until=begun.replace(hour=9),
            every="hour",
            answers={"savings": [_hour(begun.replace(minute=0))]},
        )
    )

    assert page.count('<circle class="dot') == 3
    assert ">08:00</text>" in page
    assert "Too short" not in page


def test_hours_are_named_by_the_clock_across_midnight() -> None:
    begun = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)
    hours = [begun.replace(minute=0), datetime(2026, 11, 26, 0, tzinfo=UTC)]
    page = traffic_page(
        TrafficFigures(
            since=begun,
            until=hours[1].replace(minute=30),
            every="hour",
            answers={"savings": [_hour(at) for at in hours]},
        )
    )

    assert [f">{text}</text>" in page for text in ("22:00", "23:00", "00:00")] == [True] * 3


def test_columns_have_descriptions() -> None:
    by_model = _row("cost_by", value="gpt-4o", calls=3, unknown_cost=0, cost_share=0.5)
    low = _row("misclassification", tier="simple", requests=9, judged=5, low=1, rate=0.2)
    slow = _row("latency_by_tier", tier="simple", requests=9, p50=12.5)

    found = _page(
        **{"cost_by.model": [by_model], "misclassification": [low], "latency_by_tier": [slow]}
    )

    for heading in ("model", "calls of unknown cost", "share not good enough", "p50 (ms)"):
        assert f">{heading}</th>" in found
    assert ">value</th>" not in found
