"""A measured figure beside its goal, and how a run's figures are shown and kept."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.cli.output.screen import console, print_table
from tests.bench.calibration import steps_of

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
        return None if self.at_least is None else f">= {self.at_least:,g}"

    @property
    def met(self) -> bool | None:
        if self.at_most is not None:
            return self.value <= self.at_most
        return None if self.at_least is None else self.value >= self.at_least


def show(figures: Sequence[Figure], step_us: float) -> None:
    """All figures as a table; times and rates also in steps of the calibration loop an item."""
    print_table(
        ("what", "figure", "value", "unit", "steps", "goal", "met"),
        [
            (
                each.group,
                each.name,
                f"{each.value:,.4g}",
                each.unit,
                _in_words(steps_of(each.value, each.unit, step_us)),
                each.goal,
                each.met,
            )
            for each in figures
        ],
    )
    console.print(f"one step of the calibration loop took {step_us:.3g} us of CPU")


def _in_words(steps: float | None) -> str:
    return "-" if steps is None else f"{steps:,.4g}"


def keep(figures: Sequence[Figure], step_us: float, **about: Any) -> None:
    """All figures as JSON, with what ran where and when."""
    RESULTS.parent.mkdir(exist_ok=True)
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "step_us": step_us,
        **about,
        "figures": [
            asdict(each)
            | {
                "goal": each.goal,
                "met": each.met,
                "steps": steps_of(each.value, each.unit, step_us),
            }
            for each in figures
        ],
    }
    RESULTS.write_text(json.dumps(document, indent=1))
    console.print(f"written to {RESULTS}")
