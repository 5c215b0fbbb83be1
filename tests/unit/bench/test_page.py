"""Tables of the performance page."""

from __future__ import annotations

from typing import Any

from tests.bench import growth
from tests.bench.goals import GOALS
from tests.bench.growth_cells import BASE
from tests.bench.page import about, compared, filled, goals, grown


def _row(group: str, name: str, base: float | None, this: float) -> dict[str, Any]:
    return {
        "group": group,
        "name": name,
        "unit": "ms",
        "base": None if base is None else {"values": [base] * 3},
        "this": {"values": [this] * 3},
        "ratio": None if base is None else this / base,
        "mark": "",
    }


def _parts(*rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"worker": {"figures": list(rows)}}


def test_tables_replace_what_lies_between_their_marks() -> None:
    goal_table = "<!-- figures: goals -->\nold\n<!-- end -->\n"
    page = f"a\n{goal_table}b\n<!-- figures: sink -->\nkept\n<!-- end -->\n"
    new = filled(page, {"goals": "| x |\n", "sink": ""})
    assert "old" not in new
    assert "<!-- figures: goals -->\n\n| x |\n\n<!-- end -->\nb\n" in new
    assert "<!-- figures: sink -->\nkept\n<!-- end -->" in new
    assert filled(new, {"goals": "| x |\n", "sink": ""}) == new


def test_a_goal_over_the_base_is_held_against_the_ratio() -> None:
    parts = _parts(_row("saturation", "worker CPU", 4.0, 1.9))
    assert f"| {GOALS[0].text} | 1 | 0.475 | ≤ 0.5 | yes |" in goals(parts)


def test_a_goal_of_this_tree_is_held_against_its_median() -> None:
    parts = _parts(_row("idle", "worker", 0.08, 0.02))
    assert "| idle worker, cores | 0.08 | 0.02 | ≤ 0.015 | no |" in goals(parts)


def test_a_goal_to_be_exceeded_is_reached_above_it() -> None:
    row = _row("sink at full speed", "rows stored / bare inserts", None, 0.7)
    assert "| - | 0.7 | ≥ 0.6 | yes |" in goals({"sink": {"figures": [row]}})


def test_a_goal_without_a_figure_is_not_measured() -> None:
    assert goals(_parts()).count("not measured") == len(GOALS)


def test_a_part_is_a_table_of_medians_and_ranges() -> None:
    table = compared(_parts(_row("at 100/s", "p50", None, 2.0)), "worker")
    assert "| at 100/s | p50, ms | - | 2 (2-2) | - | - |" in table
    assert compared({}, "worker") == ""
    assert about({}) == ""
    assert goals({}) == ""


def test_growth_is_given_over_the_base_cell() -> None:
    one = dict.fromkeys(growth.COLUMNS, 2.0)
    table = grown({BASE: one, "tiers-6": {**one, "cpu_ms": 3.0}})
    assert table.splitlines()[-1].endswith("| 1.50 |")
    assert grown({}) == ""
