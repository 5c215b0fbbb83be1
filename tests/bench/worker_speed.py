"""One worker under load, beside its yardsticks: the floor, a bare round trip, the calibration loop.

The yardsticks are measured in every round, so that each figure of a worker has a ratio to
something that this machine did in the same minute.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.devstack.registry import local_registry
from infra.topics_admin import Partitions, TopicsAdmin
from schemas.topic_declarations import declared_topics
from schemas.topics import REPLIES, REQUESTS
from tests.bench.calibration import calibrate
from tests.bench.comparison import series_of
from tests.bench.figures import Figure
from tests.bench.floor import PREFIX
from tests.bench.prompts import make_requests, recorded_file
from tests.bench.round_trip import create_topic, round_trip
from tests.bench.tree_pipeline import TreePipeline, pipeline_folder
from tests.bench.trees import Tree, this_tree
from tests.bench.worker_probe import Saturation, Size, idle, saturate, steady

WORKER = "worker-1"
_FLOOR_GOAL, _RATE_GOAL = 1.4, 1.5
_LATENCY_GOALS = (5.0, 6.0)
_IDLE_GOALS = {"worker": 0.015, "Kafka": 0.06}
_GOAL_RATE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardsticks:
    """What one round's figures are held against; `trips` are p50 and p99 by rate, ms."""

    step_us: float
    floor: Saturation
    trips: dict[int, tuple[float, float]]

    @property
    def floor_ms(self) -> float:
        return self.floor.cpu_ms["floor"]

    def figures(self) -> list[Figure]:
        return [
            _yardstick("calibration step, CPU", self.step_us, "us"),
            _yardstick("floor CPU", self.floor_ms, "ms/request"),
            _yardstick("floor", self.floor.per_s, "req/s"),
            *(
                _yardstick(f"round trip at {rate}/s, {name}", value, "ms")
                for rate, trip in self.trips.items()
                for name, value in zip(("p50", "p99"), trip, strict=True)
            ),
        ]


def measure_worker(size: Size) -> list[Figure]:
    """All figures of this tree's worker: medians of the rounds."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        pipeline = worker_pipeline(Path(folder), this_tree())
        try:
            prepare(pipeline)
            prepare_yardsticks(pipeline)
            warm_up(pipeline, size)
            rounds = []
            for number in range(size.rounds):
                found = yardsticks(pipeline, size)
                rounds.append([*found.figures(), *probe(pipeline, size, f"own{number}", found)])
        finally:
            pipeline.stop()
    return medians(rounds)


def medians(rounds: Sequence[Sequence[Figure]]) -> list[Figure]:
    """The figures of the first round with the medians of all."""
    found = series_of(rounds)
    return [replace(each, value=found[each.group, each.name].median) for each in rounds[0]]


def worker_pipeline(folder: Path, tree: Tree) -> TreePipeline:
    """A pipeline of a tree in a folder of its own, not started."""
    return TreePipeline(pipeline_folder(folder, f"of-{tree.root.name}"), tree=tree)


def prepare(pipeline: TreePipeline) -> None:
    """Start everything but the worker; providers answer at once."""
    answers = recorded_file()
    pipeline.prepare(
        local_registry("{simulator}"),
        "--latency-ms",
        "0",
        *(["--answers", str(answers)] if answers else []),
    )


def prepare_yardsticks(pipeline: TreePipeline) -> None:
    """Create the topics of the floor and of the round trip."""
    topics = [replace(topic, name=PREFIX + topic.name) for topic in declared_topics()]
    TopicsAdmin(pipeline.bootstrap).create(topics, Partitions())
    create_topic(pipeline.bootstrap, pipeline.partitions)


def warm_up(pipeline: TreePipeline, size: Size) -> None:
    """Let the JVM of Kafka compile its code: the first requests cost it several times more."""
    _floor(pipeline, size)


def yardsticks(pipeline: TreePipeline, size: Size) -> Yardsticks:
    """Measure the yardsticks; no worker may run meanwhile."""
    return Yardsticks(
        step_us=calibrate(),
        floor=_floor(pipeline, size),
        trips={rate: round_trip(pipeline.bootstrap, rate, size.seconds) for rate in size.rates},
    )


def probe(pipeline: TreePipeline, size: Size, run: str, held_against: Yardsticks) -> list[Figure]:
    """Start the tree's worker, measure it, and stop it; `run` makes request ids unique."""
    pipeline.start_worker()
    try:
        full = asyncio.run(
            saturate(pipeline, (WORKER, "kafka"), make_requests(f"{run}-saturation"), size)
        )
        figures = _at_saturation(full, held_against)
        for rate in size.rates:
            figures += _at_rate(pipeline, rate, size, run, full, held_against)
        at_rest = idle(pipeline, (WORKER, "kafka"), size)
        for name, process in (("worker", WORKER), ("Kafka", "kafka")):
            goal = _IDLE_GOALS[name]
            value = at_rest[process]
            figures.append(Figure(group="idle", name=name, value=value, unit="cores", at_most=goal))
        memory = pipeline.rss_mb(WORKER)
        figures.append(Figure(group="memory", name="worker, resident", value=memory, unit="MB"))
        return figures
    finally:
        pipeline.processes[WORKER].stop()


def _at_saturation(full: Saturation, held_against: Yardsticks) -> list[Figure]:
    cpu = full.cpu_ms[WORKER]
    group = "saturation"
    return [
        Figure(group=group, name="one worker", value=full.per_s, unit="req/s"),
        Figure(group=group, name="worker CPU", value=cpu, unit="ms/request"),
        Figure(
            group=group,
            name="worker CPU / floor CPU",
            value=cpu / held_against.floor_ms,
            unit="ratio",
            at_most=_FLOOR_GOAL,
        ),
        Figure(group=group, name="Kafka CPU", value=full.cpu_ms["kafka"], unit="ms/request"),
    ]


def _at_rate(
    pipeline: TreePipeline,
    rate: int,
    size: Size,
    run: str,
    full: Saturation,
    held_against: Yardsticks,
) -> list[Figure]:
    found = asyncio.run(steady(pipeline, (WORKER,), rate, run, size.seconds))
    has_goal = rate == _GOAL_RATE
    group = f"at {rate}/s"
    figures = [
        Figure(group=group, name="worker CPU", value=found.cpu_ms, unit="ms/request"),
        Figure(
            group=group,
            name="worker CPU / at saturation",
            value=found.cpu_ms / full.cpu_ms[WORKER],
            unit="ratio",
            at_most=_RATE_GOAL if has_goal else None,
        ),
    ]
    latencies = (found.p50_ms, found.p99_ms)
    for name, value, trip, goal in zip(
        ("p50", "p99"), latencies, held_against.trips[rate], _LATENCY_GOALS, strict=True
    ):
        figures += [
            Figure(group=group, name=f"{name} topic to topic", value=value, unit="ms"),
            Figure(
                group=group,
                name=f"{name} / round trip",
                value=value / trip,
                unit="ratio",
                at_most=goal if has_goal else None,
            ),
        ]
    return figures


def _floor(pipeline: TreePipeline, size: Size) -> Saturation:
    process = pipeline.start_process(
        "floor",
        [sys.executable, "-m", "tests.bench.floor"],
        {"FLOOR_PROVIDER": pipeline.simulator_url, "PYTHONPATH": str(this_tree().root)},
    )
    seen = process.log.stat().st_size
    try:
        process.wait_ready(lambda: "ready" in process.log.read_text()[seen:], 60)
        topics = (PREFIX + REQUESTS, PREFIX + REPLIES)
        return asyncio.run(saturate(pipeline, ("floor",), make_requests("floor"), size, topics))
    finally:
        process.stop()


def _yardstick(name: str, value: float, unit: str) -> Figure:
    return Figure(group="yardsticks", name=name, value=value, unit=unit)
