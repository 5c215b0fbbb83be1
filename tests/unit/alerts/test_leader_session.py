"""Leader sessions on a log in memory: elections, restarts, backlogs, deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from core.clock import StillClock
from core.codecs import Codecs
from core.kafka.producer import Outgoing
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import Alert, CostEvent
from schemas.identity import identity_key
from schemas.journal_headers import JournalHeaders
from schemas.topics import ALERTS, COST, OUTCOMES
from streams.alerts.evaluation.active_alerts import Notice
from streams.alerts.leader_session import EVERY_MS, AlertDependencies, LeaderSession, Rules
from streams.alerts.log.alert_log import Read
from streams.alerts.log.in_memory_alert_log import FakeGroupState, MemoryAlertLog
from streams.alerts.log.lease_times import LeaseTimes
from streams.alerts.webhooks.webhook_delivery import Delivery, DeliveryResult
from streams.alerts.webhooks.webhook_queues import Webhooks
from streams.journal.in_memory_log import MemoryLog
from streams.routing.alert_rules import Alerting, Webhook
from tests.unit.alerts.world import T0, TIERS, alerting

ERRORS = """
rules: {error_rate: {above: 0.5, min_sample: 1, window_s: 60, resolve_after_s: 10}}
webhooks: [{url: "https://hooks.example/a"}]
"""
CODECS, ALERT, COST_CODEC = Codecs(), Codec("Alert"), Codec("CostEvent")


@dataclass
class World:
    """What outlives a worker: the log, the clock, a webhook's deliveries, the group's state."""

    text: str = ERRORS
    topics: tuple[str, ...] = (ALERTS, COST, OUTCOMES, "llm.requests.v1.dlq")
    delivered: list[tuple[str, str, str]] = field(default_factory=list)
    group_state: FakeGroupState = field(default_factory=FakeGroupState)
    changed: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = StillClock(T0)
        self.log = MemoryLog(self.clock)
        self.alerting = alerting(self.text)
        self.number = 0

    def worker(
        self, deliver: Callable[[Notice, Webhook], Awaitable[DeliveryResult]] | None = None
    ) -> Life:
        """A worker that is elected, without any state yet."""

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(0)

        log = MemoryAlertLog(self.log, self.clock, self.topics, self.group_state)
        log.win()
        webhooks = Webhooks(deliver or self._deliver)
        deps = AlertDependencies(
            log=log,
            publisher=self.log,
            codecs=CODECS,
            alert_codec=ALERT,
            rules=lambda: Rules(alerting=self.alerting, tiers=TIERS),
            webhooks=webhooks,
            clock=self.clock,
            name="w1",
            groups=("sluice",),
            changed=lambda rule, state: self.changed.append((rule, state)),
            sleep=sleep,
        )
        return Life(log, webhooks, LeaderSession(deps), self.clock)

    async def _deliver(self, notice: Notice, webhook: Webhook) -> DeliveryResult:
        self.delivered.append((notice.alert.rule, notice.alert.subject, notice.change.value))
        return DeliveryResult(delivery=Delivery.DELIVERED, tries=1)

    async def ended(self, status: str, *, origin: str | None = None, kind: str = "") -> None:
        self.number += 1
        headers = JournalHeaders(
            kind=kind or status,
            hop=0,
            visit=0,
            origin=origin or f"llm.requests.v1:0:{self.number}",
            digest="d",
            worker="w1",
            incarnation="i",
        )
        key = identity_key("t", f"r{self.number}" if origin is None else "r")
        await self.log.publish(
            Outgoing(topic=OUTCOMES, key=key, value=b"", headers=headers.encode())
        )

    async def called(self, **more: object) -> None:
        fields = {
            "tenant": "t",
            "request_id": "r",
            "hop": 0,
            "visit": 0,
            "call_id": "c",
            "purpose": "answer",
            "at": self.clock.now(),
            "started_at": self.clock.now(),
            "tier": "simple",
            "provider": "p",
            "request_model": "m",
            "instance": "i",
            "status": "ok",
            "worker": "w1",
            "incarnation": "i",
        }
        event = CostEvent(**(fields | more))  # type: ignore[arg-type]
        value = COST_CODEC.encode(as_record(event))
        await self.log.publish(Outgoing(topic=COST, key=event.key, value=value))

    async def raised(self, rule: str, subject: str = "s", state: str = "fired") -> None:
        alert = Alert(
            rule=rule,
            subject=subject,
            state=state,
            severity="warning",
            message="m",
            at=self.clock.now(),
            worker="w9",
        )
        value = ALERT.encode(as_record(alert))
        await self.log.publish(Outgoing(topic=ALERTS, key=b"", value=value))

    @property
    def published(self) -> list[tuple[str, str]]:
        alerts = [ALERT.decode(value) for value in self.log.values(ALERTS)]
        return [(each["rule"], each["state"]) for each in alerts]


@dataclass
class Life:
    """One worker's term."""

    log: MemoryAlertLog
    webhooks: Webhooks
    term: LeaderSession
    clock: StillClock

    async def turns(self, count: int = 1) -> None:
        """Turns, far enough apart that each evaluates."""
        for _ in range(count):
            self.clock.advance(EVERY_MS)
            await self.term.turn()
            await _settle()

    async def end(self) -> None:
        self.log.lose()
        await self.webhooks.stop()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_failing_requests_fire_once_are_delivered_once_and_resolve_once() -> None:
    async def scenario(world: World) -> None:
        life = world.worker()
        await life.term.begin()
        await life.turns()
        await world.ended("failed")
        await life.turns(4)
        for _ in range(20):
            await world.ended("replied")
            await life.turns()
        await life.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.published == [("error_rate", "fired"), ("error_rate", "resolved")]
    assert world.delivered == [("error_rate", "all", "fired"), ("error_rate", "all", "resolved")]
    assert world.changed == world.published


def test_a_new_leader_publishes_and_delivers_nothing_again() -> None:
    async def scenario(world: World) -> None:
        for life in (world.worker() for _ in range(4)):
            await life.term.begin()
            await world.ended("failed")
            await life.turns(3)
            await life.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.published == [("error_rate", "fired")]
    assert world.delivered == [("error_rate", "all", "fired")]


def test_undelivered_notices_are_delivered_after_a_crash() -> None:
    async def hangs(notice: Notice, webhook: Webhook) -> DeliveryResult:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario(world: World) -> None:
        first = world.worker(hangs)
        await first.term.begin()
        await first.turns()
        await world.ended("failed")
        await first.turns(2)
        assert world.published == [("error_rate", "fired")]
        await first.end()
        second = world.worker()
        await second.term.begin()
        await _settle()
        await second.turns()
        await second.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.delivered == [("error_rate", "all", "fired")]


def test_an_orderly_shutdown_leaves_no_duplicate_delivery() -> None:
    async def scenario(world: World) -> None:
        life = world.worker()
        served = asyncio.create_task(life.term.serve())
        await _settle()
        await world.raised("provider_down")
        while not world.delivered:
            world.clock.advance(EVERY_MS)
            await asyncio.sleep(0)
        served.cancel()
        await asyncio.gather(served, return_exceptions=True)
        await life.end()
        assert world.group_state.delivered == 1

    asyncio.run(scenario(World()))


def test_history_is_not_delivered_at_the_first_start() -> None:
    async def scenario(world: World) -> None:
        await world.raised("provider_down")
        life = world.worker()
        await life.term.begin()
        await life.turns()
        await world.raised("unknown_price")
        await life.turns(2)
        await life.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.delivered == [("unknown_price", "s", "fired")]
    assert world.group_state.delivered == 2


def test_alerts_of_workers_are_delivered_once_however_often_they_are_raised() -> None:
    async def scenario(world: World) -> None:
        life = world.worker()
        await life.term.begin()
        for _ in range(3):
            await world.raised("provider_down", "m/i")
            await life.turns()
        await life.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.delivered == [("provider_down", "m/i", "fired")]


def test_no_alert_is_published_before_all_events_are_read() -> None:
    async def scenario(world: World) -> None:
        life = world.worker()
        await life.term.begin()
        await world.ended("failed")
        life.log.behind = True
        await life.turns(3)
        assert world.published == []
        life.log.behind = False
        await life.turns()
        assert world.published == [("error_rate", "fired")]
        await life.end()

    asyncio.run(scenario(World()))


def test_a_backlog_is_read_to_its_end_before_any_alert() -> None:
    """Until then the windows are half empty, and an active alert would seem resolved."""

    async def scenario(world: World) -> None:
        first = world.worker()
        await first.term.begin()
        await first.turns()
        await world.ended("failed")
        await first.turns()
        await first.end()
        second = world.worker()
        await second.term.begin()
        read = second.log.read

        async def slowly():  # type: ignore[no-untyped-def]
            return Read(records=(), frontier=T0)

        second.log.read = slowly  # type: ignore[method-assign]
        await second.turns(10)
        second.log.read = read  # type: ignore[method-assign]
        await world.ended("failed")
        await second.turns(2)
        await second.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.published == [("error_rate", "fired")]


def test_a_paused_process_reads_the_log_before_it_publishes() -> None:
    async def scenario(world: World) -> None:
        life = world.worker()
        await life.term.begin()
        await life.turns()
        await world.ended("failed")
        read = life.log.read

        async def paused():  # type: ignore[no-untyped-def]
            found = await read()
            world.clock.advance(LeaseTimes().session_ms)
            return found

        life.log.read = paused  # type: ignore[method-assign]
        await life.turns()
        assert world.published == []
        life.log.read = read  # type: ignore[method-assign]
        await life.turns()
        assert world.published == [("error_rate", "fired")]
        await life.end()

    asyncio.run(scenario(World()))


def test_an_end_that_a_crash_wrote_twice_counts_once() -> None:
    async def scenario(world: World) -> None:
        life = world.worker()
        await life.term.begin()
        await life.turns()
        for _ in range(10):
            await world.ended("failed", origin="llm.requests.v1:0:7")
        for _ in range(2):
            await world.ended("replied")
        await world.ended("failed", kind="started")
        await life.turns()
        await life.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.published == []


def test_a_rule_that_is_applied_later_sees_what_happened_before() -> None:
    async def scenario(world: World) -> None:
        world.alerting = Alerting()
        life = world.worker()
        await life.term.begin()
        await life.turns()
        await world.called(status="ok")
        await life.turns(2)
        world.alerting = alerting("rules: {unknown_price: {}}")
        await life.turns(2)
        await life.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.published == [("unknown_price", "fired")]


def test_lag_is_read_only_if_a_rule_measures_it() -> None:
    async def scenario(world: World) -> None:
        world.group_state.lags[("sluice", "llm.requests.v1")] = 5_000
        world.group_state.lags[("another", "t")] = 5_000
        life = world.worker()
        await life.term.begin()
        await life.turns(10)
        await life.end()

    world = World("rules: {consumer_lag: {above: 1000}}")
    asyncio.run(scenario(world))
    assert world.published == [("consumer_lag", "fired")]


def test_unreadable_records_stop_nothing() -> None:
    async def scenario(world: World) -> None:
        await world.log.publish(Outgoing(topic=ALERTS, key=b"", value=b"\xc3\x01rubbish"))
        await world.log.publish(Outgoing(topic=OUTCOMES, key=b"?", value=b""))
        await world.log.publish(Outgoing(topic=COST, key=b"?", value=b"\xc3\x01rubbish"))
        life = world.worker()
        await life.term.begin()
        await life.turns()
        await world.ended("failed")
        await life.turns(2)
        await life.end()

    world = World()
    asyncio.run(scenario(world))
    assert world.delivered == [("error_rate", "all", "fired")]
