"""`python -m tests.bench growth`: how a worker's cost grows with the size of a pipeline.

Each cell is one pipeline (`tests.bench.growth_cells`), measured at saturation and idle. Results are
kept in `results/growth.json` cell by cell: a cell that has its rounds is not measured again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from infra.cli.output.screen import console, notes, print_table
from schemas.errors import SluiceError
from tests.bench.calibration import calibrate
from tests.bench.growth_cells import (
    BASE,
    CELLS,
    Setup,
    registry_of,
    requests_of,
    smaller,
    write_answers,
)
from tests.bench.tree_pipeline import TreePipeline, pipeline_folder
from tests.bench.trees import this_tree
from tests.bench.worker_probe import Size, idle, saturate

RESULTS = Path("results/growth.json")
COLUMNS = {
    "per_s": "requests/s",
    "cpu_ms": "worker CPU, ms/request",
    "kafka_ms": "Kafka CPU, ms/request",
    "idle": "idle workers, cores",
    "idle_kafka": "idle Kafka, cores",
    "memory_mb": "workers' memory, MB",
    "log_kb": "log, kB/request",
    "calls": "provider calls/request",
    "step_us": "calibration step, us",
}
"""What a cell has; CPU, cores and memory are sums of the workers."""

Found = dict[str, float]


def main(arguments: Sequence[str]) -> int:
    """Measure what is missing and show all; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench growth")
    parser.add_argument("cells", nargs="*", help=f"{', '.join(CELLS)}; all unless named")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each cell")
    parser.add_argument("--again", action="store_true", help="forget what the file has of them")
    parser.add_argument("--quick", action="store_true", help="a quarter of the requests")
    parser.add_argument("--show", action="store_true", help="measure nothing")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.cells) - set(CELLS)
    if unknown:
        parser.error(f"no cell is called {min(unknown)}; cells are {', '.join(CELLS)}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = chosen.cells or list(CELLS)
    known = read()
    if chosen.again:
        known = {name: found for name, found in known.items() if name not in names}
    try:
        for number in range(0 if chosen.show else chosen.rounds):
            for name in names:
                if len(known.get(name, [])) > number:
                    continue
                notes.print(f"measuring: {name}, round {number + 1}")
                setup = smaller(CELLS[name]) if chosen.quick else CELLS[name]
                known.setdefault(name, []).append(measure_cell(name, setup))
                _keep(known)
    except SluiceError as error:
        notes.print(f"error: {error}", markup=False)
        return 1
    finally:
        _show(known)
    return 0


def measure_cell(name: str, setup: Setup) -> Found:
    """Start the cell's pipeline, measure it, end it."""
    with TemporaryDirectory(prefix="sluice-growth-") as folder:
        pipeline = TreePipeline(
            pipeline_folder(Path(folder), name),
            tree=this_tree(),
            tiers=setup.tier_names,
            partitions=setup.partitions,
            env=setup.worker_env,
        )
        try:
            options = write_answers(setup, Path(folder))
            pipeline.prepare(registry_of(setup), "--latency-ms", "0", *options)
            workers = [f"worker-{number + 1}" for number in range(setup.workers)]
            for number in range(setup.workers):
                pipeline.start_worker(number + 1)
            return _measure(pipeline, workers, setup)
        finally:
            pipeline.stop()


def _measure(pipeline: TreePipeline, workers: Sequence[str], setup: Setup) -> Found:
    size = Size(
        warm_up=setup.warm_up,
        requests=setup.requests,
        in_flight=setup.in_flight,
        settle_s=3.0,
        idle_s=8.0,
    )
    step_us, before = calibrate(), pipeline.log_bytes()
    processes = (*workers, "kafka")
    full = asyncio.run(saturate(pipeline, processes, requests_of(setup, "growth"), size))
    written = pipeline.log_bytes() - before
    at_rest = idle(pipeline, processes, size)
    return {
        "per_s": full.per_s,
        "cpu_ms": sum(full.cpu_ms[name] for name in workers),
        "kafka_ms": full.cpu_ms["kafka"],
        "idle": sum(at_rest[name] for name in workers),
        "idle_kafka": at_rest["kafka"],
        "memory_mb": sum(map(pipeline.rss_mb, workers)),
        "log_kb": written / 1_000 / (setup.warm_up + setup.requests),
        "calls": _calls(pipeline) / (setup.warm_up + setup.requests),
        "step_us": step_us,
    }


def _calls(pipeline: TreePipeline) -> int:
    """Calls that the simulated providers got."""
    with pipeline.ledger.open() as lines:
        return sum(json.loads(line).get("event") == "arrived" for line in lines)


def read() -> dict[str, list[Found]]:
    """What the file has: a list of rounds by cell."""
    if not RESULTS.is_file():
        return {}
    document: dict[str, Any] = json.loads(RESULTS.read_text())
    return {name: found for name, found in document["cells"].items() if name in CELLS}


def medians(known: Mapping[str, Sequence[Found]]) -> dict[str, Found]:
    """The median of a cell's rounds, column by column, in the order of `CELLS`."""
    return {
        name: {
            column: median(one.get(column, float("nan")) for one in known[name])
            for column in COLUMNS
        }
        for name in CELLS
        if known.get(name)
    }


def _keep(known: Mapping[str, Sequence[Found]]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"tree": this_tree().name, "cells": known}, indent=1))


def _show(known: Mapping[str, Sequence[Found]]) -> None:
    found = medians(known)
    base = found.get(BASE)
    print_table(
        ("cell", *COLUMNS.values(), f"CPU / {BASE}"),
        [
            (
                name,
                *("-" if isnan(one[column]) else f"{one[column]:,.3g}" for column in COLUMNS),
                "-" if base is None else f"{one['cpu_ms'] / base['cpu_ms']:.2f}",
            )
            for name, one in found.items()
        ],
    )
    console.print("CPU, cores and memory are sums of the workers")
