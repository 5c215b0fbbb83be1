"""`make soak`: a steady load on real processes; memory, lag and latency over time, and a page."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.cli.output.screen import console, notes, print_table
from infra.devstack.kafka import ListenerSecurity
from infra.reporting.axes import Axis
from infra.reporting.line_chart import Line, line_chart
from infra.reporting.page import page, write_report
from tests.rig.load import Load, load, workload_requests
from tests.rig.observed.books import reconcile, settle
from tests.rig.observed.metrics_page import scrape
from tests.rig.stack import Stack, start_basics
from tests.soak.memory_chart import memory_chart, up_from_zero
from tests.soak.samples import (
    Growth,
    Sample,
    after,
    faults,
    lag_growth,
    latency_growth,
    memory_growth,
)

RESULTS = Path("results/soak")
EVERY_S = 5.0
REMEMBERED_MINUTES = 15.0
"""For how long ids are remembered: until then memory grows with them, and that is meant."""

WHOLE_HEAP = ("-Xms512m", "-XX:+AlwaysPreTouch")
"""A broker whose heap is all there from the start: it would creep up to its limit otherwise, and
hide what else grows."""

ANSWERED_BY_S = 60.0
SETTLED_BY_S = 120.0
LAG = {"worker-1": "sluice_consumer_lag_records", "sink-1": "sluice_sink_lag_records"}


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--warm-minutes", type=float, default=REMEMBERED_MINUTES, help="before it")
    parser.add_argument("--rate", type=float, default=200.0, help="requests/s")
    chosen = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="sluice-soak-"))
    stack = Stack(folder)
    stack.kafka = replace(stack.kafka, doors=ListenerSecurity(java=WHOLE_HEAP))
    try:
        start_basics(stack, "--latency-ms", "100")
        stack.start_worker()
        stack.start_sink()
        return asyncio.run(_soak(stack, chosen.warm_minutes * 60, chosen.minutes * 60, chosen.rate))
    finally:
        stack.stop()
        shutil.rmtree(folder)


async def _soak(stack: Stack, warm: float, seconds: float, rate: float) -> int:
    samples: list[Sample] = []
    async with load(stack.bootstrap) as running:
        begun = time.time()
        watching = asyncio.create_task(_watch(stack, samples, begun))
        await running.at_rate(workload_requests("soak", deadline_ms=300_000), rate, warm + seconds)
        watching.cancel()
        await running.all_answered(ANSWERED_BY_S)
        sent = list(running.seen.sent_at)
        took = await asyncio.to_thread(
            settle, stack.clickhouse_url, sent, stack.ledger, SETTLED_BY_S
        )
        books = await asyncio.to_thread(
            reconcile, stack.clickhouse_url, sent, running.seen.replies, stack.ledger, took
        )
    latencies = _latencies(running, begun)
    measured = after(samples, warm)
    timed = [(at - warm, ms) for at, ms in latencies if at >= warm]
    slow = latency_growth(timed, 0.99)
    wrong = faults(measured, slow, rate)
    if not books.balanced:
        wrong.append("the books do not balance")
    growths = [*memory_growth(measured), *lag_growth(measured), latency_growth(timed, 0.5), slow]
    print_table(
        ("", "second quarter", "last quarter", "growth"),
        [
            (each.name, f"{each.second:.1f}", f"{each.last:.1f}", f"{each.share:+.1%}")
            for each in growths
        ],
    )
    path = write_report(
        RESULTS,
        _page(samples, latencies, rate, warm + seconds),
        {
            "warm_seconds": warm,
            "seconds": seconds,
            "rate": rate,
            "books": books.as_document(),
            "faults": wrong,
            "figures": [_figures(each) for each in growths],
        },
    )
    console.print(f"{books.sent} requests, {books.answered} answered; page: {path}")
    console.print("; ".join(wrong) or "nothing grew that should not, and the books balance")
    return 1 if wrong else 0


async def _watch(stack: Stack, samples: list[Sample], begun: float) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        samples.append(
            Sample(
                at_s=time.time() - begun,
                memory_mb={name: stack.rss_mb(name) for name in stack.processes},
                lag=await asyncio.to_thread(_lag, stack),
            )
        )
        if len(samples) % 12 == 0:
            last = samples[-1]
            memory = ", ".join(f"{name} {mb:.0f}" for name, mb in last.memory_mb.items())
            notes.print(f"{last.at_s / 60:.0f} min: MB {memory}; lag {dict(last.lag)}")


def _lag(stack: Stack) -> dict[str, float]:
    return {
        name: sum(scrape(stack.page_url(name), metric).values()) for name, metric in LAG.items()
    }


def _latencies(running: Load, begun: float) -> list[tuple[float, float]]:
    seen = running.seen
    return [(seen.sent_at[key] - begun, ms) for key, ms in seen.latency_ms.items()]


def _page(
    samples: Sequence[Sample], latencies: list[tuple[float, float]], rate: float, seconds: float
) -> str:
    minutes = Axis(label="minutes", low=0, high=seconds / 60, show=lambda value: f"{value:g}")
    slow = [
        Line(name=label, kind=kind, points=_by_minute(latencies, share))
        for label, kind, share in (("median", "length", 0.5), ("99th percentile", "examined", 0.99))
    ]
    return page(
        "Soak",
        f"{rate:g} requests/s for {seconds / 60:g} minutes on one worker and one sink.",
        [
            memory_chart(samples, minutes, unit_s=60.0),
            line_chart(minutes, up_from_zero("ms", slow), slow, title="Latency, topic to topic"),
        ],
        "Simulated providers, median 100 ms a call.",
    )


def _by_minute(latencies: list[tuple[float, float]], share: float) -> list[tuple[float, float]]:
    minutes: dict[int, list[float]] = {}
    for at, ms in latencies:
        minutes.setdefault(int(at // 60), []).append(ms)
    return [
        (minute + 0.5, sorted(values)[int(len(values) * share)])
        for minute, values in sorted(minutes.items())
    ]


def _figures(growth: Growth) -> dict[str, Any]:
    return {
        "name": growth.name,
        "second": growth.second,
        "last": growth.last,
        "share": growth.share,
    }


if __name__ == "__main__":
    sys.exit(main())
