"""Reads the sample workload that ships with Sluice.

Each line of `sample.jsonl` has an id, a category, a request as callers publish it, the tier that
suffices, and one answer a strength with its score 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

BAR = 0.7
"""Score from which an answer counts as good enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    """One request of the workload; `scores` by strength, 0..1."""

    id: str
    category: str
    request: Mapping[str, Any]
    suffices: str
    scores: Mapping[str, float]


def load_workload() -> tuple[SampleRequest, ...]:
    """The whole workload, in file order."""
    text = sample_file().read_bytes()
    rows = (orjson.loads(line) for line in text.splitlines() if line.strip())
    return tuple(
        SampleRequest(
            id=row["id"],
            category=row["category"],
            request=row["request"],
            suffices=row["suffices"],
            scores={strength: answer["score"] for strength, answer in row["answers"].items()},
        )
        for row in rows
    )


def sample_file() -> Path:
    """Where the workload lies."""
    return Path(str(resources.files("infra.workload").joinpath("sample.jsonl")))
