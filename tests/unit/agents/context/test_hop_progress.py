"""Only the methods of HopProgress write a hop's state, and its records are awaited."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from core.kafka.producer import Outgoing
from schemas.errors import DeliveryError
from schemas.records import Attempt
from schemas.topics import COST, tier_topic
from streams.agents.context.hop import Hop
from streams.agents.context.hop_progress import HopProgress
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from tests.unit.agents.world import World

AGENTS = Path(__file__).parents[4] / "streams" / "agents"
OWN = "hop_progress.py"
FIELDS = {field.name for field in fields(HopProgress)}


def attempt(call_id: str) -> Attempt:
    return Attempt(
        call_id=call_id, hop=0, tier="simple", model="m", provider="p", instance="i", status="ok",
        cost_nano=1, latency_ms=2.0,
    )  # fmt: skip


async def begun(world: World) -> HopProgress:
    """A hop in work with one call of an earlier hop, and one of a failed attempt at this one."""
    deps = await world.worker()
    message = world.request(attempts=(attempt("earlier"),))
    await world.send(message)
    (incoming,) = world.log.incoming(tier_topic("simple"))
    work = Work(message=incoming, slots=ConcurrencyLimiter(1), lane=PartitionState())
    work.tries.attempts = [attempt("failed")]
    hop = Hop.of(work, message, deps.registry.snapshot, body={})
    return HopProgress.of(hop, deps.kafka.publisher)


def written(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Attributes that are assigned to or deleted, or whose value is changed in place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if isinstance(node.ctx, ast.Store | ast.Del):
                yield node
            elif node.attr in {"append", "clear", "extend", "pop"} and isinstance(
                node.value, ast.Attribute
            ):
                yield node.value


@pytest.mark.parametrize(
    "file", [file for file in AGENTS.rglob("*.py") if file.name != OWN], ids=lambda file: file.name
)
def test_only_the_progress_class_writes_the_state_of_a_hop(file: Path) -> None:
    others = [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in written(ast.parse(file.read_text()))
        if node.attr in FIELDS and ast.unparse(node) != "work.tries.attempts"
    ]
    assert others == []


def test_admission_data_is_immutable() -> None:
    progress = asyncio.run(begun(World()))
    with pytest.raises(FrozenInstanceError):
        progress.hop.context_tokens = 1  # type: ignore[misc]


def test_a_failed_attempt_leaves_its_calls_to_the_next_one_without_those_of_earlier_hops() -> None:
    async def fail(progress: HopProgress) -> None:
        async with progress.one_try():
            progress.call_ended(attempt("mine"))
            raise ValueError("a defect")

    progress = asyncio.run(begun(World()))
    with pytest.raises(ValueError, match="a defect"):
        asyncio.run(fail(progress))
    assert [each.call_id for each in progress.attempts] == ["earlier", "failed", "mine"]
    assert [each.call_id for each in progress.hop.work.tries.attempts] == ["failed", "mine"]
    assert progress.provider_ms == 2.0


def test_it_is_acknowledged_only_if_every_record_is() -> None:
    async def run() -> None:
        world = World()
        progress = await begun(world)
        await progress.publish(Outgoing(topic="fine", key=b"k", value=b"v"))
        world.log.broken.add(COST)
        await progress.publish(Outgoing(topic=COST, key=b"k", value=b"v"))
        with pytest.raises(DeliveryError):
            await progress.acknowledged()

    asyncio.run(run())


def test_a_hop_may_end_under_its_lease_after_its_partition_was_lost() -> None:
    progress = asyncio.run(begun(World()))
    assert progress.may_publish(100)
    progress.hop.work.lane.lost = True
    assert not progress.may_publish(100)
    progress.call_started(101)
    assert progress.may_publish(100)
    assert not progress.may_publish(101)
