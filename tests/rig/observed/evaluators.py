"""Which worker evaluates alert rules, and a rule that fires and resolves."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import orjson
import yaml
from aiokafka import AIOKafkaProducer

from infra.devstack.registry import local_registry
from schemas.alert_evaluation import fetch_evaluation
from schemas.encoding.codec import Codec
from schemas.errors import UndecodableError
from schemas.topics import ALERTS, REQUESTS
from tests.rig.hostile.poisoned_worker import mark
from tests.rig.kafka.topic_reader import TopicReader, topic_reader
from tests.rig.stack import Stack, answers, fetch

WITHIN_S = 30.0
RULE = {"above": 0.5, "min_sample": 1, "window_s": 10, "resolve_after_s": 0}


def registry_with_rule(simulator_url: str) -> str:
    """The local registry, with one rule of alerts that a few failed requests fulfil."""
    document = yaml.safe_load(local_registry(simulator_url))
    document["alerts"] = {"rules": {"error_rate": RULE}}
    return yaml.safe_dump(document)


async def evaluator(stack: Stack, names: Collection[str]) -> str:
    """The one worker that reports itself as evaluator, in /health and its metrics."""

    def now() -> list[str]:
        there = [name for name in names if answers(f"{stack.page_url(name)}/health")]
        return [name for name in there if _evaluates(stack.page_url(name))]

    async with asyncio.timeout(WITHIN_S):
        while True:
            found = await asyncio.to_thread(now)
            if len(found) == 1:
                return found[0]
            await asyncio.sleep(0.05)


def _evaluates(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as page:
        metric = "\nsluice_alert_evaluator 1.0\n" in page.read().decode()
    return metric and bool(fetch(f"{url}/health")["evaluates_alerts"])


async def evaluated_by(stack: Stack, names: Collection[str], quiet_ms: int = 0) -> str:
    """Wait until the log shows that one of these workers evaluated rules for so long (broker time,
    ms), and no other did meanwhile; its name.
    """
    kafka = {"bootstrap_servers": stack.bootstrap}
    name, since = "", 0
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = await fetch_evaluation(kafka, "sluice")
            if found is not None and found.worker in names:
                if found.worker != name:
                    name, since = found.worker, found.at
                if found.at >= since + quiet_ms:
                    return name
            await asyncio.sleep(0.05)


class Traffic:
    """Requests to one partition without an end, which fail until they are to be answered."""

    def __init__(self, stack: Stack, reader: TopicReader, run: str, partition: int) -> None:
        self._stack = stack
        self._reader = reader
        self._run = run
        self._partition = partition
        self._prompt = f"hi {mark('classify', 'raise')}"

    async def send(self) -> None:
        """Send until cancelled."""
        async with AIOKafkaProducer(bootstrap_servers=self._stack.bootstrap) as producer:
            for number in count():
                name = f"{self._run}-{number}"
                value = {"prompt": self._prompt, "request_id": name, "tier": "simple"}
                await producer.send_and_wait(
                    REQUESTS, orjson.dumps(value), partition=self._partition
                )
                await asyncio.sleep(0.1)

    async def fired(self) -> dict[str, Any]:
        """The alert, once the rule fires."""
        await self._reader.until(lambda: _states(self._reader) == ["fired"], WITHIN_S)
        return _of_rule(self._reader)[-1]

    async def resolved(self) -> dict[str, Any]:
        """The alert, once it is over; requests are answered from now on."""
        self._prompt = "hi"
        await self._reader.until(lambda: _states(self._reader) == ["fired", "resolved"], WITHIN_S)
        return _of_rule(self._reader)[-1]


@asynccontextmanager
async def traffic(stack: Stack, run: str, partition: int) -> AsyncIterator[Traffic]:
    """Traffic until the block ends."""
    async with topic_reader(stack.bootstrap, [ALERTS]) as reader:
        found = Traffic(stack, reader, run, partition)
        sending = asyncio.create_task(found.send())
        try:
            yield found
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


def _states(reader: TopicReader) -> list[str]:
    return [alert["state"] for alert in _of_rule(reader)]


def _of_rule(reader: TopicReader) -> list[dict[str, Any]]:
    found = []
    for record in reader.of(ALERTS):
        try:
            alert = Codec("Alert").decode(record.value)
        except UndecodableError:
            continue
        if alert["rule"] == "error_rate":
            found.append(alert)
    return found
