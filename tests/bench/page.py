"""`python -m tests.bench page`: write the tables of docs/performance.md from results/*.json.

A table lies between `<!-- figures: NAME -->` and `<!-- end -->`. A table whose results are missing
keeps what it has.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.cli.output.screen import console
from tests.bench import compare, growth
from tests.bench.comparison import Series
from tests.bench.goals import GOALS, Goal
from tests.bench.growth_cells import BASE

PAGE = Path("docs/performance.md")
_BLOCK = re.compile(r"(<!-- figures: (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


Parts = Mapping[str, Mapping[str, Any]]


def main(arguments: Sequence[str]) -> int:
    """Write the page; the exit status."""
    argparse.ArgumentParser(prog="python -m tests.bench page").parse_args(arguments)
    parts: Parts = json.loads(compare.RESULTS.read_text()) if compare.RESULTS.is_file() else {}
    tables = {
        "about": about(parts),
        "goals": goals(parts),
        **{part: compared(parts, part) for part in compare.PARTS},
        "growth": grown(growth.medians(growth.read())),
    }
    PAGE.write_text(filled(PAGE.read_text(), tables))
    console.print(f"written to {PAGE}")
    return 0


def filled(page: str, tables: Mapping[str, str]) -> str:
    """The page with its tables; one that is empty here stays as it is there."""

    def put(found: re.Match[str]) -> str:
        table = tables[found["name"]]
        return f"{found[1]}\n{table}\n{found[3]}" if table else found[0]

    return _BLOCK.sub(put, page)


def about(parts: Parts) -> str:
    """When, what and where each part was measured."""
    rows = [
        (
            part,
            found["date"],
            found["this"],
            found["base"],
            found["rounds"],
            found["cores"],
            found["python"],
            f"{found['step_us']:.2f} us",
        )
        for part, found in parts.items()
    ]
    heads = ("part", "date", "commit", "base", "rounds", "cores", "Python", "calibration step")
    return _table(heads, rows) if rows else ""


def goals(parts: Parts) -> str:
    """Goals beside what was measured."""
    rows = []
    for goal in GOALS:
        row = _row(parts, goal.part, goal.figure)
        if row is None or row["this"] is None:
            rows.append((goal.text, "-", "-", _limit(goal), "not measured"))
            continue
        of_base = row["ratio"] if goal.of_base else None
        value = _median(row["this"]) if of_base is None else of_base
        base = 1.0 if goal.of_base else _median(row["base"])
        rows.append(
            (goal.text, _number(base), _number(value), _limit(goal), _yes(goal.met(value or 0.0)))
        )
    return _table(("figure", "base", "now", "goal", "reached"), rows) if parts else ""


def compared(parts: Parts, part: str) -> str:
    """All figures of a part: medians and ranges of both trees."""
    if part not in parts:
        return ""
    rows = [
        (
            row["group"],
            f"{row['name']}, {row['unit']}",
            _range(row["base"]),
            _range(row["this"]),
            "-" if row["ratio"] is None else f"{row['ratio']:.2f}",
            row["mark"] or "-",
        )
        for row in parts[part]["figures"]
    ]
    return _table(("what", "figure", "base", "now", "now / base", "mark"), rows)


def grown(cells: Mapping[str, growth.Found]) -> str:
    """The growth bench: figures of each cell, CPU also over the base cell's."""
    if BASE not in cells:
        return ""
    base = cells[BASE]["cpu_ms"]
    rows = [
        (
            name,
            *(_number(cell[column]) for column in growth.COLUMNS),
            f"{cell['cpu_ms'] / base:.2f}",
        )
        for name, cell in cells.items()
    ]
    return _table(("cell", *growth.COLUMNS.values(), "worker CPU / base"), rows)


def _row(parts: Parts, part: str, figure: tuple[str, str]) -> Mapping[str, Any] | None:
    rows: Iterable[Mapping[str, Any]] = parts.get(part, {}).get("figures", ())
    return next((row for row in rows if (row["group"], row["name"]) == figure), None)


def _limit(goal: Goal) -> str:
    return f"{'≥' if goal.at_least else '≤'} {goal.limit:,g}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _median(series: Mapping[str, Any] | None) -> float | None:
    return None if series is None else Series(tuple(series["values"])).median


def _range(series: Mapping[str, Any] | None) -> str:
    return compare.in_words(None if series is None else Series(tuple(series["values"])))


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else compare.number(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)
