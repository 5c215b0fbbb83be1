"""The results of an overload as tables, as a document and as a page."""

from __future__ import annotations

from typing import Any

from infra.cli.output.screen import console, print_table
from infra.reporting.axes import Axis
from infra.reporting.page import page
from tests.chaos.crowd import Crowd
from tests.rig.observed.books import Books
from tests.soak.memory_chart import memory_chart
from tests.soak.samples import Sample, memory_growth


def print_crowd(
    seen: Crowd, calm: dict[str, Crowd], samples: list[Sample], recovered_s: float | None
) -> None:
    print_table(
        ("", "sent", "answered", "told", "none", "p50, s", "p99, s", "answered late by, s",
         "told late by, s"),
        [
            (name, *each.as_row())
            for name, each in (
                ("before", calm["before"]),
                ("crowd", seen),
                ("of them best", seen.of_best),
                ("of them others", seen.of_others),
                ("after", calm["after"]),
            )
        ],
    )  # fmt: skip
    console.print(f"told: {dict(seen.statuses)}")
    print_table(
        ("memory, MB", "second quarter", "last quarter", "growth"),
        [
            (each.name, f"{each.second:.1f}", f"{each.last:.1f}", f"{each.share:+.1%}")
            for each in memory_growth(samples)
        ],
    )
    when = "did not come" if recovered_s is None else f"{recovered_s:.1f} s after the load's end"
    console.print(f"a request alone is answered at once again: {when}")


def crowd_document(
    seen: Crowd,
    calm: dict[str, Crowd],
    samples: list[Sample],
    books: Books,
    recovered_s: float | None,
) -> dict[str, Any]:
    return {
        "crowd": seen.as_document(),
        "best": seen.of_best.as_document(),
        "others": seen.of_others.as_document(),
        **{name: each.as_document() for name, each in calm.items()},
        "recovered_s": recovered_s,
        "books": books.as_document(),
        "memory": [
            {"name": each.name, "second": each.second, "last": each.last, "share": each.share}
            for each in memory_growth(samples)
        ],
    }


def crowd_page(samples: list[Sample], rate: float, seconds: float, at_once: int) -> str:
    across = Axis(label="seconds", low=0, high=seconds, show=lambda value: f"{value:g}")
    return page(
        "Overload",
        f"{rate:g} requests/s for {seconds:g} s, of which the providers take about 40.",
        [memory_chart(samples, across, unit_s=1.0)],
        f"Simulated providers, a second a call, {at_once} calls at once for each instance.",
    )
