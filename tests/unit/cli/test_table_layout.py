"""Tables are readable on a terminal of 80 columns: wrapped where that suffices, else in blocks."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from infra.cli.analytics import query
from infra.cli.output import screen
from infra.cli.output.table_layout import GAP, TableColumn, column_widths
from infra.figures import heading
from sinks.analytics.named_queries import questions
from sinks.analytics.query_runner import QueryResult

WIDTH = 80
Shown = Callable[[], list[str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """The lines on a terminal of 80 columns."""
    file = io.StringIO()
    terminal = Console(
        file=file, width=WIDTH, force_terminal=True, color_system=None, highlight=False,
        soft_wrap=True,
    )  # fmt: skip
    monkeypatch.setattr(screen, "console", terminal)
    monkeypatch.setattr(query, "console", terminal)
    return lambda: [line.rstrip() for line in file.getvalue().splitlines()]


def test_narrow_rows_are_a_table_with_figures_at_the_right(shown: Shown) -> None:
    screen.print_table(("tier", "requests"), [("simple", 5), ("complex", 1200)])

    assert shown() == ["tier     requests", "simple          5", "complex      1200"]


def test_a_long_text_is_wrapped_and_other_cells_are_not_cut(shown: Shown) -> None:
    screen.print_table(
        ("severity", "rule", "since (UTC)", "what"),
        [("warning", "provider_down", "2026-11-27 08:00:00", "calls of gpt-4o fail " * 4)],
    )

    lines = shown()
    assert lines[0].split() == ["severity", "rule", "since", "(UTC)", "what"]
    assert "2026-11-27 08:00:00" in lines[1]
    assert 3 <= len(lines) <= 5
    assert max(map(len, lines)) <= WIDTH


def test_a_table_that_does_not_fit_is_shown_as_blocks(shown: Shown) -> None:
    columns = [f"some_long_figure_{number}" for number in range(9)]

    screen.print_table(columns, [[1234.5] * 9, [6.0] * 9])

    lines = shown()
    assert lines[0] == "some_long_figure_0  1234.5"
    assert lines[9] == ""
    assert lines[10] == "some_long_figure_0  6.0"


@pytest.mark.parametrize("name", sorted(questions()))
def test_every_question_s_answer_fits(name: str, shown: Shown) -> None:
    named = questions()[name]
    values: dict[str, Any] = {
        "USD": "1234.5678", "share": 0.345, "count": 123456, "ms": 12345.6, "tokens": 1234567,
        "tokens/s": 123.4, "bytes": 12345678, "number": 12.345,
    }  # fmt: skip
    row = tuple(values.get(each.unit, "claude-opus-4-20250514") for each in named.columns)

    query.show_answer(
        QueryResult(question=named, range=None, columns=named.columns, rows=(row, row))
    )

    assert max(map(len, shown())) <= WIDTH
    printed = " ".join(shown())
    assert [each.name for each in named.columns if each.name not in printed] == []


def test_headings_have_units_that_figures_do_not_show() -> None:
    assert heading("p95", "ms") == "p95 (ms)"
    assert heading("input_tokens", "tokens") == "input_tokens"
    assert heading("cost", "USD") == "cost"
    assert heading("share", "share") == "share"


CELLS = st.text(alphabet="ab 1.", max_size=60)


@given(
    st.integers(1, 6).flatmap(
        lambda count: st.tuples(
            st.lists(CELLS, min_size=count, max_size=count),
            st.lists(st.booleans(), min_size=count, max_size=count),
            st.lists(st.lists(CELLS, min_size=count, max_size=count), max_size=4),
        )
    ),
    st.integers(20, 160),
)
def test_a_table_is_never_wider_than_its_terminal_and_figures_are_never_cut(
    given_: tuple[list[str], list[bool], list[list[str]]], width: int
) -> None:
    headings, figures, rows = given_
    columns = [
        TableColumn(heading=name, figures=figure)
        for name, figure in zip(headings, figures, strict=True)
    ]

    widths = column_widths(columns, rows, width)

    if widths is not None:
        assert sum(widths) + GAP * (len(widths) - 1) <= width
        for at, column in enumerate(columns):
            if column.figures:
                assert all(len(row[at]) <= widths[at] for row in rows)


def test_a_long_text_in_a_block_is_wrapped_next_to_its_heading(shown: Shown) -> None:
    columns = ("severity", "rule", "subject", "since (UTC)", "what")
    what = "the provider refused our key, or there is none: it is not set " * 6

    screen.print_table(columns, [("warning", "provider_auth", "a/b" * 9, "2026-11-27", what)])

    lines = shown()
    assert lines[4].startswith("what         the provider refused")
    assert lines[5].startswith(" " * 13 + "")
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(" ".join(lines[4:]).split()).removeprefix("what ") == what.strip()
