"""`make overload`: far more requests than the providers can serve, for minutes; then a calm load.

Each instance serves ten calls at once, of a second each: about 40 answers a second, of 300
requests. Every tenth request is of `quality: best`. The output has the answered and the rejected
requests, the delay of replies past their deadline, the memory of each process during the overload,
and the time until a calm load was answered as fast as before.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from infra.cli.output.screen import console, notes
from infra.devstack.registry import local_registry
from infra.reporting.page import write_report
from tests.chaos.crowd import Crowd, Waited, overload_faults
from tests.chaos.crowd_page import crowd_document, crowd_page, print_crowd
from tests.rig.load import Load, Make, code_of, load, workload_requests
from tests.rig.observed.books import reconcile, settle
from tests.rig.observed.metrics_page import scrape
from tests.rig.stack import Stack, start_basics
from tests.soak.samples import Sample

RESULTS = Path("results/overload")
CALM_RATE = 20.0
CALM_S = 20.0
DEADLINE_MS = 20_000
PATIENT_MS = 300_000
AT_ONCE = 10
EVERY_S = 5.0
ANSWERED_BY_S = 240.0
SETTLED_BY_S = 180.0
BEST_IN = 10


def main() -> int:
    """Run; 0 if the invariants under overload held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.overload")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--rate", type=float, default=300.0, help="requests/s")
    chosen = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="sluice-overload-"))
    stack = Stack(folder)
    try:
        start_basics(stack, "--latency-ms", "1000")
        asyncio.run(stack.apply_registry(_narrow(local_registry(stack.simulator_url))))
        stack.start_worker()
        stack.start_sink()
        return asyncio.run(_overload(stack, chosen.seconds, chosen.rate))
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _overload(stack: Stack, seconds: float, rate: float) -> int:
    samples: list[Sample] = []
    async with load(stack.bootstrap) as running:
        await _calm(running, "before")
        begun = time.time()
        watching = asyncio.create_task(_watch(stack, samples, begun))
        await running.at_rate(_requests("crowd", DEADLINE_MS), rate, seconds)
        watching.cancel()
        ended = time.time()
        recovered_s = await _recovery(running, ended)
        await running.all_answered(ANSWERED_BY_S)
        await _calm(running, "after")
        sent = list(running.seen.sent_at)
        took = await asyncio.to_thread(
            settle, stack.clickhouse_url, sent, stack.ledger, SETTLED_BY_S
        )
        books = await asyncio.to_thread(
            reconcile, stack.clickhouse_url, sent, running.seen.replies, stack.ledger, took
        )
    seen = Crowd(waited=_waited(running, "crowd"))
    calm = {name: Crowd(waited=_waited(running, name)) for name in ("before", "after")}
    wrong = overload_faults(seen, calm["before"], calm["after"], samples)
    if not books.balanced:
        wrong.append("the books do not balance")
    print_crowd(seen, calm, samples, recovered_s)
    path = write_report(
        RESULTS,
        crowd_page(samples, rate, seconds, AT_ONCE),
        crowd_document(seen, calm, samples, books, recovered_s) | {"faults": wrong},
    )
    console.print(f"page: {path}")
    console.print("; ".join(wrong) or "it held")
    return 1 if wrong else 0


async def _calm(running: Load, name: str) -> None:
    """A load that fits, until it is answered."""
    notes.print(f"calm, {name}")
    await running.at_rate(_requests(name, PATIENT_MS), CALM_RATE, CALM_S)
    await running.all_answered(ANSWERED_BY_S)


async def _recovery(running: Load, ended: float) -> float | None:
    """How long after the load's end a request alone was answered within its call's usual time, s;
    `None` if that did not come.
    """
    make = _requests("probe", PATIENT_MS)
    for number in range(int(ANSWERED_BY_S)):
        request = make(number)
        await running.send(request)
        await asyncio.sleep(1.0)
        quick = [
            key
            for key, ms in running.seen.latency_ms.items()
            if key.startswith("probe") and ms < 5_000
        ]
        if quick:
            return running.seen.sent_at[quick[0]] - ended
    return None


async def _watch(stack: Stack, samples: list[Sample], begun: float) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        samples.append(
            Sample(
                at_s=time.time() - begun,
                memory_mb={name: stack.rss_mb(name) for name in stack.processes},
                lag=await asyncio.to_thread(_lag, stack.page_url("worker-1")),
            )
        )
        last = samples[-1]
        if len(samples) % 6 == 0:
            notes.print(
                f"{last.at_s:.0f} s: worker {last.memory_mb['worker-1']:.0f} MB, "
                f"unread {dict(last.lag)}"
            )


def _lag(url: str) -> dict[str, float]:
    """Unread records by the kind of their topic."""
    found: dict[str, float] = {}
    for labels, value in scrape(url, "sluice_consumer_lag_records").items():
        topic = labels.split('topic="')[1].partition('"')[0]
        kind = "high" if ".high." in topic else topic.split(".")[1]
        found[kind] = found.get(kind, 0.0) + value
    return found


def _waited(running: Load, name: str) -> list[Waited]:
    seen = running.seen
    return [
        Waited(
            is_best=int(key.rsplit("-", 1)[1]) % BEST_IN == 0,
            status=code_of(seen.replies[key][0]) if key in seen.replies else "none",
            ms=_by_the_broker(running, key),
            deadline_ms=DEADLINE_MS if name == "crowd" else PATIENT_MS,
            is_degraded=key in seen.replies and bool(seen.replies[key][0].get("degraded")),
        )
        for key in seen.sent_at
        if key.startswith(f"{name}-")
    ]


def _by_the_broker(running: Load, key: str) -> float | None:
    """From the request's append to its reply's, ms: what a deadline counts by."""
    seen = running.seen
    if key not in seen.answered_at or key not in seen.stamped:
        return None
    return float(seen.answered_at[key] - seen.stamped[key])


def _requests(name: str, deadline_ms: int) -> Make:
    plain = workload_requests(name, deadline_ms=deadline_ms)

    def make(number: int) -> dict[str, Any]:
        quality = "best" if number % BEST_IN == 0 else "balanced"
        return {**plain(number), "quality": quality}

    return make


def _narrow(registry: str) -> str:
    """The same registry with few concurrent calls for each instance."""
    return registry.replace(
        "{name: simulator,", f"{{name: simulator, limits: {{concurrency: {AT_ONCE}}},"
    )


if __name__ == "__main__":
    sys.exit(main())
