"""`make chaos-gateway`: two HTTP gateways under load while gateway, worker and Kafka are killed.

Half of the requests are streams, half have an `Idempotency-Key`. Clients retry as the SDKs do, at
the other gateway. Afterwards every request that a gateway wrote to its topic has ended once, the
books equal the simulator's ledger, each client has a whole answer, and no idempotency key has more
than one request.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from aiokafka import TopicPartition

from core.kafka.access import OPEN
from core.kafka.fetch_source import FetchedRecord
from core.kafka.standalone.bounded_reading import read_from_begin
from core.kafka.standalone.librdkafka_consumer import standalone
from infra.cli.output.screen import console, notes
from infra.workload.sample import load_workload
from schemas.gateway.headers import CALL_ID
from schemas.topics import GATEWAY_REPLIES, GATEWAY_REQUESTS
from tests.chaos.blows import SIMULATOR, Fists
from tests.chaos.scenarios import Blow, Strike
from tests.rig.observed.books import Books, reconcile, settle
from tests.rig.stack import Stack, start_basics

GATEWAYS = 2
RATE = 25.0
SECONDS = 60.0
STRIKES = tuple(
    Strike(at_s=at, blow=Blow.KILL, part=part)
    for at, part in (
        *((8, "gateway-1"), (15, "worker-1"), (23, "kafka")),
        *((33, "gateway-2"), (40, "worker-1"), (48, "kafka")),
    )
)
TRIES = 60
"""Most attempts of one client; the SDKs' own default is three, within seconds."""

READ_S = 60.0
_MARK = "This is request "
SETTLED_BY_S = 120.0


@dataclass(slots=True)
class Clients:
    """What the clients saw: whole answers, tries, errors by status."""

    whole: int = 0
    gave_up: list[str] = field(default_factory=list)
    tries: int = 0
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class _RetryableError(Exception):
    """A client tries again."""


async def ask(client: httpx.AsyncClient, stack: Stack, number: int, seen: Clients) -> None:
    """One client: tries until it has a whole answer."""
    workload = load_workload()
    request = workload[number % len(workload)].request
    messages = request.get("messages") or [{"role": "user", "content": request["prompt"]}]
    body = {
        "model": "auto",
        "messages": [*messages, {"role": "user", "content": f"{_MARK}{number}."}],
        "stream": number % 2 == 0,
    }
    headers = {"idempotency-key": f"chaos-{number}"} if number % 4 < 2 else {}
    for attempt in range(TRIES):
        seen.tries += 1
        url = f"{stack.gateway_url(1 + (number + attempt) % GATEWAYS)}/v1/chat/completions"
        try:
            await _try(client, url, body, {**headers, "x-stainless-retry-count": str(attempt)})
        except (httpx.TransportError, _RetryableError) as error:
            seen.errors[str(error) or type(error).__name__] += 1
            await asyncio.sleep(min(0.25 * 2**attempt, 2.0))
        else:
            seen.whole += 1
            return
    seen.gave_up.append(str(number))


async def _try(
    client: httpx.AsyncClient, url: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """One attempt.

    Raises:
        _RetryableError: an SDK would try again.
        AssertionError: the answer is not whole, and no SDK would notice it.
    """
    async with client.stream("POST", url, json=body, headers=headers) as answer:
        text = (await answer.aread()).decode()
    if answer.status_code in {408, 409, 429} or answer.status_code >= 500:
        assert answer.headers["x-should-retry"] in {"true", "false"}
        raise _RetryableError(f"status {answer.status_code}")
    assert answer.status_code == 200, text
    if not body["stream"]:
        assert orjson.loads(text)["choices"][0]["finish_reason"], text
        return
    events = [each.removeprefix("data: ") for each in text.split("\n\n") if "data: " in each]
    if not events or events[-1] != "[DONE]":
        # An error event, or a connection that ended early.
        raise _RetryableError("broken stream")
    *chunks, last = map(orjson.loads, events[:-1])
    assert last["choices"][0]["finish_reason"], text
    assert any(each["choices"][0]["delta"] for each in chunks), text


async def records_of(stack: Stack, topic: str) -> list[FetchedRecord]:
    """Every record of a topic."""
    async with standalone(OPEN.librdkafka_at(stack.bootstrap)) as consumer:
        places = [TopicPartition(topic, number) for number in range(stack.partitions)]
        return [record async for records in read_from_begin(consumer, places) for record in records]


async def strike(stack: Stack, fists: Fists) -> None:
    """The kills, in turn."""
    begun = asyncio.get_running_loop().time()
    for each in STRIKES:
        await asyncio.sleep(begun + each.at_s - asyncio.get_running_loop().time())
        await fists.strike(each)


async def run(stack: Stack) -> tuple[Clients, Books, int, int]:
    """Load and kills; returns clients, books, accepted requests, and keys with two requests."""
    seen, over, fists = Clients(), asyncio.Event(), Fists(stack, {})
    keeping = asyncio.create_task(fists.keep_alive(over))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    async with (
        httpx.AsyncClient(timeout=READ_S, limits=limits) as client,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(strike(stack, fists))
        for number in range(int(RATE * SECONDS)):
            group.create_task(ask(client, stack, number, seen))
            await asyncio.sleep(1 / RATE)
    requests = await records_of(stack, GATEWAY_REQUESTS)
    accepted = {(record.key or b"").decode() for record in requests}
    settle(stack.clickhouse_url, accepted, stack.ledger, SETTLED_BY_S)
    over.set()
    await keeping
    replies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in await records_of(stack, GATEWAY_REPLIES):
        if not any(name == CALL_ID for name, _ in record.headers):
            reply = orjson.loads(record.value or b"{}")
            replies[reply["request_id"]].append(reply)
    books = reconcile(stack.clickhouse_url, accepted, replies, stack.ledger)
    return seen, books, len(accepted), _twice(requests)


def _twice(requests: list[FetchedRecord]) -> int:
    """Number of idempotent clients that have more than one request id."""
    ids: dict[str, set[bytes]] = defaultdict(set)
    for record in requests:
        text = orjson.loads(record.value or b"{}")["messages"][-1]["content"]
        ids[text].add(record.key or b"")
    numbers = {text: int(text.removeprefix(_MARK).rstrip(".")) for text in ids}
    return sum(len(found) > 1 for text, found in ids.items() if numbers[text] % 4 < 2)


def main() -> int:
    """Run; the exit status."""
    argparse.ArgumentParser(prog="python -m tests.chaos.gateway").parse_args()
    notes.print(f"two gateways, {RATE:g} requests/s for {SECONDS:g} s; killed in turn, twice each")
    with tempfile.TemporaryDirectory(prefix="sluice-chaos-") as folder:
        stack = Stack(Path(folder), partitions=8)
        try:
            start_basics(stack, *SIMULATOR)
            stack.start_worker()
            stack.start_sink()
            for number in range(GATEWAYS):
                stack.start_gateway(number + 1)
            seen, books, accepted, twice = asyncio.run(run(stack))
        finally:
            stack.stop()
    asked = int(RATE * SECONDS)
    console.print(
        f"{asked} clients: {seen.whole} whole answers in {seen.tries} tries, "
        f"{len(seen.gave_up)} gave up; errors: {dict(seen.errors)}"
    )
    console.print(
        f"{accepted} accepted requests, {asked - len(seen.gave_up)} wanted; lost {books.lost}, "
        f"without outcome {books.without_outcome}, counted twice {books.counted_twice}, stored "
        f"twice {books.stored_twice}, calls missing {books.missing_calls}, unknown "
        f"{books.unknown_calls}, money wrong {books.wrong_money}; interrupted {books.interrupted}"
    )
    console.print(f"idempotency keys with more than one request: {twice}")
    held = books.balanced and not seen.gave_up and not twice
    console.print("passed" if held else "failed")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
