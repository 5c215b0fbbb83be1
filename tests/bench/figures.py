"""A measured figure beside its goal, and how a run's figures are shown and kept."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.cli.output.screen import console, print_table

RESULTS = Path("results/bench.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`at_most` and `at_least` are the goals of the design's section 12, where it has one."""

    group: str
    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def goal(self) -> str | None:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return None if self.at_least is None else f">= {self.at_least:,.0f}"

    @property
    def met(self) -> bool | None:
        if self.at_most is not None:
            return self.value <= self.at_most
        return None if self.at_least is None else self.value >= self.at_least


def show(figures: Sequence[Figure]) -> None:
    """All figures as a table."""
    print_table(
        ("what", "figure", "value", "unit", "goal", "met"),
        [
            (each.group, each.name, f"{each.value:,.4g}", each.unit, each.goal, each.met)
            for each in figures
        ],
    )


def keep(figures: Sequence[Figure], **about: Any) -> None:
    """All figures as JSON, with what ran where."""
    RESULTS.parent.mkdir(exist_ok=True)
    document = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        **about,
        "figures": [asdict(each) | {"goal": each.goal, "met": each.met} for each in figures],
    }
    RESULTS.write_text(json.dumps(document, indent=1))
    console.print(f"written to {RESULTS}")
