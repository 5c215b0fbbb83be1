"""docs/metrics.md shows every metric that there is, as it is defined, and none besides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from sinks.metrics import SinkMetrics
from sinks.status import SinkStatus
from streams.observability.metrics import WorkerMetrics
from streams.observability.readings import Readings, observe

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def _rows(registry: CollectorRegistry) -> Iterator[str]:
    for collector in registry._collector_to_names:
        own = hasattr(collector, "_labelnames")
        for each in (collector,) if own else collector.collect():
            yield _row(each, next(iter(collector.collect())) if own else each)


def _row(labelled: Any, metric: Any) -> str:
    name = metric.name + ("_total" if metric.type == "counter" else "")
    labels = ", ".join(labelled._labelnames)
    return f"| `{name}` | {metric.type} | {labels} | {metric.documentation} |"


def _defined() -> list[str]:
    worker, sink = WorkerMetrics(), SinkMetrics()
    observe(Readings(), worker.registry)
    sink.observe(SinkStatus(instance="sink"), dict, lambda: 0)
    return [*_rows(worker.registry), *_rows(sink.registry)]


def test_the_page_has_a_row_for_each_metric_and_no_other() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = [line for line in text.splitlines() if line.startswith("| `sluice_")]
    assert shown == _defined()
