"""Prompts of the bench: recorded ones from `BENCH_DATA`, else the sample workload."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from infra.workload.sample import load_workload

RECORDED = "recorded_answers.jsonl.gz"

Make = Callable[[int], dict[str, Any]]


def data_folder() -> Path | None:
    """The folder that `BENCH_DATA` names."""
    named = os.environ.get("BENCH_DATA")
    return Path(named).absolute() if named else None


def recorded_file() -> Path | None:
    """Recorded answers for the simulator, where there are some."""
    folder = data_folder()
    return None if folder is None else folder / RECORDED


def bodies() -> list[dict[str, Any]]:
    """Requests without ids."""
    file = recorded_file()
    if file is None:
        return [dict(item.request) for item in load_workload()]
    with gzip.open(file, "rb") as lines:
        return [{"prompt": orjson.loads(line)["prompt"]} for line in lines]


def make_requests(run: str) -> Make:
    """Request number n of a run: the bodies in turn, each with a new id."""
    known = bodies()

    def make(number: int) -> dict[str, Any]:
        return {**known[number % len(known)], "request_id": f"{run}-{number}"}

    return make
