"""A world in memory for the handlers: log, clock, registry, a scripted provider, and crashes."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

import orjson

from core.clock import StillClock
from core.codecs import Codecs
from core.kafka.producer import Delivered, Outgoing
from schemas.encoding.codec import Codec
from schemas.records import TierMessage
from schemas.topics import REPLIES, WAIT_DELAYS_S, tier_topic, wait_topic
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.ports import CallPorts, IntakePorts, KafkaPorts, Observers
from streams.agents.context.shadow_spend import MOST_MS, ShadowSpendLimiter
from streams.agents.context.tier_records import tier_record
from streams.agents.execute.handler import execute
from streams.agents.wait import wait_out
from streams.alerts.worker_alerts import AlertPublisher
from streams.bad_input.dead_letters import DeadLetterLimit, DeadLetters
from streams.budgets.budget_tracker import BudgetTracker
from streams.budgets.call_budgets import LiveBudgets
from streams.budgets.in_memory_budget_log import MemoryBudgetLog
from streams.budgets.reservations import Reservations
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.flow.reply_topics import ReplyTopicPolicy
from streams.journal.admission import Owner
from streams.journal.in_flight_hops import InFlightRegistry
from streams.journal.in_memory_log import MemoryLog, MemorySentReplies
from streams.journal.owned_journals import Journals
from streams.providers.in_memory_provider import Script, ScriptedProvider, text_answer
from streams.providers.pricing.price_list import PriceBook
from streams.providers.reliability.instance_load import Instances
from streams.registry.live import LiveRegistry
from streams.registry.version import parse_registry
from streams.routing.snapshot import RegistrySnapshot
from tests.rig.hops import first_hop

TIERS = ("simple", "moderate", "complex")
REGISTRY = """
tiers: [simple, moderate, complex]
baseline: gpt-4o
models:
  gpt-4o-mini: {provider: scripted, model: gpt-4o-mini, tier: simple,
    price: {input: 0.15, output: 0.6},
    instances: [{name: one, base_url: "http://localhost/1"}, {name: two, base_url: "http://localhost/2"}]}
  gpt-4o: {provider: scripted, tier: moderate, price: {input: 2.5, output: 10},
    instances: [{name: one, base_url: "http://localhost/1"}]}
  opus: {provider: scripted, tier: complex, price: {input: 15, output: 75},
    instances: [{name: one, base_url: "http://localhost/1"}]}
policy:
  cascade: {thresholds: {simple: 0.6, moderate: 0.5}}
"""


@cache
def _snapshot(registry: str) -> RegistrySnapshot:
    return parse_registry(registry).snapshot


class CrashedError(BaseException):
    """The process has crashed and executes nothing further."""


@dataclass
class Crashes:
    """Kills the process at its nth step, before or after the step took effect."""

    at: int | None = None
    after_effect: bool = False
    steps: int = 0

    def reached(self) -> bool:
        self.steps += 1
        return self.at == self.steps


class CrashingLog:
    """A log whose writer crashes at a given step."""

    def __init__(self, log: MemoryLog, crashes: Crashes) -> None:
        self._log = log
        self._crashes = crashes

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        return await self._step(record)

    async def reply(self, record: Outgoing) -> Awaitable[Delivered]:
        return await self._step(record)

    async def _step(self, record: Outgoing) -> Awaitable[Delivered]:
        if not self._crashes.reached():
            return await self._log.publish(record)
        if self._crashes.after_effect:
            await self._log.publish(record)
        raise CrashedError


@dataclass
class World:
    """Everything that outlives a worker: the log, the clock, the provider's ledger."""

    script: Script = field(
        default=lambda call, endpoint: text_answer("Paris is the capital of France.")
    )
    clock: StillClock = field(default_factory=StillClock)
    served: list[str] = field(default_factory=list)
    registry: str = REGISTRY

    def __post_init__(self) -> None:
        self.log = MemoryLog(self.clock)
        self._ids = count()
        self._lives = count()

    async def worker(self, name: str = "w1", crashes: Crashes | None = None) -> Dependencies:
        """A new life of a worker that owns partition 0, its journal caught up."""
        crashes = crashes or Crashes()
        me = Owner(worker=name, incarnation=f"life-{next(self._lives)}")
        publisher = CrashingLog(self.log, crashes)
        journals = Journals(self.log, me, self.clock)
        await journals.assign([0])
        while await journals.take_news():
            pass

        async def invalid(version: str, problem: str) -> None:
            raise AssertionError(problem)

        registry = LiveRegistry(TIERS, invalid)
        registry.use(_snapshot(self.registry))

        def answer(call, endpoint):  # type: ignore[no-untyped-def]
            self.served.append(call.call_id)
            if crashes.reached():
                raise CrashedError
            return self.script(call, endpoint)

        shadow_spend = ShadowSpendLimiter(lambda: 1.0)
        shadow_spend.open(1, self.clock.now() - MOST_MS)

        async def sleep(milliseconds: float) -> None:
            self.clock.advance(milliseconds)

        async def exists(topic: str) -> bool:
            return topic != "replies.missing"

        return Dependencies(
            kafka=KafkaPorts(
                me=me,
                clock=self.clock,
                codecs=Codecs(),
                publisher=publisher,
                dead_letters=DeadLetters(publisher, name, DeadLetterLimit()),
                journals=journals,
                in_flight=InFlightRegistry(),
                sent_replies=MemorySentReplies(self.log),
            ),
            calls=CallPorts(
                providers={"scripted": ScriptedProvider(answer)},
                pricing=PriceBook(),
                instances=Instances(),
                sleep_ms=sleep,
                budgets=await self._budgets(registry, me),
                call_id=lambda: f"call-{next(self._ids)}",
            ),
            intake=IntakePorts(
                cluster="test",
                reply_topics=ReplyTopicPolicy(prefixes={"replies.": None}),
                reply_topic_exists=exists,
            ),
            observers=Observers(alerts=AlertPublisher(publisher, Codec("Alert"), self.clock, name)),
            registry=registry,
            shadow_spend=shadow_spend,
        )

    async def _budgets(self, registry: LiveRegistry, me: Owner) -> LiveBudgets:
        """The budgets of the registry, counted up to now; `self.follower` reads new events."""
        reservations = Reservations()
        codecs = Codecs()
        self.follower = BudgetTracker(
            MemoryBudgetLog(self.log, 1),
            budgets=lambda: registry.snapshot.budgets,
            owned=lambda: (0,),
            decode=lambda value: codecs.decode(codecs.cost, value),
            ledger=Codec("BudgetEntry"),
            publisher=self.log,
            alerts=AlertPublisher(self.log, Codec("Alert"), self.clock, me.worker),
            clock=self.clock,
            me=me,
            reservations=reservations,
        )
        await self.follower.catch_up()
        return LiveBudgets(
            lambda: registry.snapshot.budgets, self.follower, reservations, self.clock
        )

    def request(self, **more: Any) -> TierMessage:
        """A hop 0 on the first tier; see `first_hop`."""
        return first_hop(self.clock.now(), **more)

    async def send(self, message: TierMessage) -> None:
        """Put a hop's message on its tier's topic."""
        await self.log.publish(tier_record(message, Codecs()))

    def replies(self, topic: str = REPLIES) -> list[dict]:  # type: ignore[type-arg]
        return [orjson.loads(value) for value in self.log.values(topic)]

    def events(self, topic: str, record: str) -> list[dict]:  # type: ignore[type-arg]
        codec = Codec(record)
        return [codec.decode(value) for value in self.log.values(topic)]


DELAYS = {wait_topic(delay_s): delay_s for delay_s in WAIT_DELAYS_S}
WORK_TOPICS = [tier_topic(tier, high=high) for tier in TIERS for high in (True, False)]


async def deliver(world: World, deps: Dependencies, acked: set[tuple[str, int]]) -> None:
    """Give a worker every unacknowledged message of tiers and wait topics, until none is left."""
    slots = ConcurrencyLimiter(4)
    while True:
        open_ = [
            message
            for topic in (*WORK_TOPICS, *DELAYS)
            for message in world.log.incoming(topic)
            if (message.topic, message.offset) not in acked
        ]
        if not open_:
            return
        for message in open_:
            await slots.take()
            work = Work(message=message, slots=slots, lane=PartitionState())
            if message.topic in DELAYS:
                await wait_out(work, DELAYS[message.topic], deps)
            else:
                await execute(work, deps)
            slots.give_back()
            acked.add((message.topic, message.offset))
