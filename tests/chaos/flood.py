"""`make flood`: the latency of good requests while a sender floods its topic with unreadable
records.

The output has p50 and p99 of good requests without the flood, with it on the sender's own topic,
and with it on the shared topic. The flood comes from a separate process.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import shutil
import sys
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from confluent_kafka import Producer

from infra.cli.output.screen import console, print_table
from infra.devstack.registry import local_registry
from infra.topics_admin import Partitions, TopicsAdmin
from schemas.topic_declarations import declared_topics
from schemas.topics import REQUESTS
from tests.rig.load import load, workload_requests
from tests.rig.stack import Stack, start_basics

NOISY = "noisy.requests"
GOAL = 3.0
"""Good requests' p99 with the flood against without."""

GARBAGE = b"\xc3\x01 no request, and no Avro that anybody knows" * 10
WARM_UP_S = 8.0


def main() -> int:
    """Run; 0 if the goal is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.flood")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=20.0, help="good requests/s")
    parser.add_argument("--flood", type=float, default=1_000.0, help="unreadable records/s")
    chosen = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="sluice-flood-"))
    stack = Stack(folder, env={"SLUICE_REQUEST_TOPICS": f"{REQUESTS},{NOISY}=noisy"})
    try:
        start_basics(stack, "--latency-ms", "50")
        _create_topics(stack)
        asyncio.run(stack.apply_registry(local_registry(stack.simulator_url)))
        stack.start_worker()
        stack.start_sink()
        return asyncio.run(_measure(stack, chosen.seconds, chosen.rate, chosen.flood))
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _create_topics(stack: Stack) -> None:
    declared = declared_topics(request_topics=(REQUESTS, NOISY))
    topics = [topic for topic in declared if topic.name.startswith(NOISY)]
    counts = Partitions(requests=stack.partitions, pipeline=stack.partitions)
    TopicsAdmin(stack.bootstrap).create(topics, counts)


async def _measure(stack: Stack, seconds: float, rate: float, flood: float) -> int:
    rows: list[tuple[str, float, float]] = []
    await _one(stack, "warm", WARM_UP_S, rate)
    rows.append(("without", *await _one(stack, "calm", seconds, rate)))
    for name, topic in (("on its own topic", NOISY), ("on the shared topic", REQUESTS)):
        with _Flood(stack.bootstrap, topic, flood):
            rows.append((name, *await _one(stack, topic.replace(".", "-"), seconds, rate)))
    base = rows[0][2]
    print_table(
        ("flood", "p50, ms", "p99, ms", "p99, x"),
        [(name, f"{p50:.0f}", f"{p99:.0f}", f"{p99 / base:.2f}") for name, p50, p99 in rows],
    )
    worst = max(p99 / base for _, _, p99 in rows)
    console.print(f"worst {worst:.2f} x, goal {GOAL:.0f} x")
    return 0 if worst <= GOAL else 1


async def _one(stack: Stack, name: str, seconds: float, rate: float) -> tuple[float, float]:
    async with load(stack.bootstrap) as running:
        await running.at_rate(workload_requests(name), rate, seconds)
        if not await running.all_answered(60.0):
            console.print(f"{name}: {len(running.seen.missing)} requests had no reply")
        return running.seen.percentile(0.5), running.seen.percentile(0.99)


class _Flood:
    """Unreadable records at a steady rate, from another process."""

    def __init__(self, bootstrap: str, topic: str, rate: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._over = context.Event()
        self._process = context.Process(target=_send, args=(bootstrap, topic, rate, self._over))

    def __enter__(self) -> None:
        self._process.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._process.join()


def _send(bootstrap: str, topic: str, rate: float, over: Event) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "log_level": 0})
    begun, sent = time.monotonic(), 0
    while not over.is_set():
        due = int((time.monotonic() - begun) * rate)
        for number in range(sent, due):
            producer.produce(topic, GARBAGE, partition=number % 4)
        sent = max(sent, due)
        producer.poll(0)
        time.sleep(0.01)
    producer.flush(10)


if __name__ == "__main__":
    sys.exit(main())
