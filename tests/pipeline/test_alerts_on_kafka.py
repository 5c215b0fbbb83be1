"""Alerts on a real broker: who evaluates, what it reads, and that a change is published once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from core.clock import BrokerClock
from core.codecs import Codecs
from core.kafka.producer import KafkaPublisher
from infra.topics_admin import Partitions, TopicsAdmin
from schemas.alert_evaluation import AlertEvaluation, fetch_evaluation
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.errors import SluiceError
from schemas.events import Alert
from schemas.identity import identity_key
from schemas.journal_headers import JournalHeaders
from schemas.topic_declarations import declared_topics
from schemas.topics import ALERTS, COST, OUTCOMES
from streams.alerts.factory import open_alerts
from streams.alerts.leader_session import Rules
from streams.alerts.log.kafka_alert_log import KafkaAlertLog, read_alerts
from streams.alerts.log.lease_times import LeaseTimes
from streams.alerts.service import evaluate_alerts
from streams.alerts.worker_alerts import AlertPublisher
from streams.bad_input.bad_records import BadRecords
from streams.observability.metrics import WorkerMetrics
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.routing.alert_rules import Alerting
from tests.fixtures.services import some_kafka
from tests.unit.alerts.world import TIERS, alerting

ALERT = Codec("Alert")
IDLE = 2_000
"""Idle time of leases here, ms."""
TIMES = LeaseTimes(session_ms=6_000, idle_ms=IDLE)
ERRORS = """
rules: {error_rate: {above: 0.5, min_sample: 1, window_s: 10, resolve_after_s: 0}}
"""


@dataclass
class Bench:
    """A broker with the declared topics, and a way to write to them."""

    address: str
    group: str
    clock: BrokerClock
    producer: AIOKafkaProducer
    publisher: KafkaPublisher

    @property
    def kafka(self) -> dict[str, str]:
        return {"bootstrap_servers": self.address}

    def alert_log(self) -> KafkaAlertLog:
        return KafkaAlertLog(self.kafka, self.group, self.clock.now, TIMES)

    async def raised(self, rule: str, subject: str, state: str = "fired") -> None:
        alert = Alert(
            rule=rule,
            subject=subject,
            state=state,
            severity="warning",
            message="m",
            at=self.clock.now(),
            worker="w9",
        )
        await self.producer.send_and_wait(ALERTS, ALERT.encode(as_record(alert)), key=b"r")

    async def ended(self, number: int, status: str, partition: int) -> None:
        headers = JournalHeaders(
            kind=status,
            hop=0,
            visit=0,
            origin=f"{self.group}:0:{number}",
            digest="d",
            worker="w",
            incarnation="i",
        ).encode()
        key = identity_key(self.group, f"r{number}")
        await self.producer.send_and_wait(
            OUTCOMES, b"", key=key, headers=headers, partition=partition
        )

    async def evaluator(
        self, stack: AsyncExitStack, name: str, rules: Alerting
    ) -> asyncio.Task[None]:
        """A worker's alert service, running until the stack closes."""
        deps = open_alerts(
            stack,
            kafka=self.kafka,
            group=self.group,
            lag_groups=(),
            publisher=self.publisher,
            codecs=Codecs(),
            alert_codec=ALERT,
            rules=lambda: Rules(alerting=rules, tiers=TIERS),
            hosts=HostPolicy.from_patterns("127.0.0.1"),
            keys=KeyRing(),
            clock=self.clock,
            name=name,
            metrics=WorkerMetrics(),
            bad=BadRecords(AlertPublisher(self.publisher, ALERT, self.clock, name)),
            times=TIMES,
        )
        task = asyncio.create_task(evaluate_alerts(deps))
        stack.push_async_callback(_ended, task)
        return task


@asynccontextmanager
async def _bench(address: str, group: str) -> AsyncIterator[Bench]:
    topics = declared_topics()
    TopicsAdmin(address).create(topics, Partitions(pipeline=4))
    clock = BrokerClock()
    producers = [AIOKafkaProducer(bootstrap_servers=address, acks="all") for _ in range(3)]
    for producer in producers:
        await producer.start()
    limits = {topic.name: topic.max_message_bytes for topic in topics}
    publisher = KafkaPublisher(producers[0], producers[1], limits, clock)
    try:
        yield Bench(address, group, clock, producers[2], publisher)
    finally:
        for producer in producers:
            await producer.stop()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_one_is_elected_reads_all_alerts_and_the_other_follows_when_it_leaves(
    kafka: str, own_name: str
) -> None:
    async def scenario() -> None:
        async with _bench(kafka, own_name) as bench:
            await bench.raised(own_name, "before")
            one, other = bench.alert_log(), bench.alert_log()
            await one.start()
            await one.elected()
            mine = [each for each in await one.alerts() if own_name.encode() in each.value]
            assert len(mine) == 1
            assert await one.delivered_offset() is None
            await one.commit_delivered(mine[0].offset + 1)
            await bench.raised(own_name, "after")
            assert [each.offset for each in await one.alerts()] == [mine[0].offset + 1]
            await other.start()
            await one.stop()
            await other.elected()
            seen = [each for each in await other.alerts() if own_name.encode() in each.value]
            assert len(seen) == 2
            assert await other.delivered_offset() == mine[0].offset + 1
            await other.stop()
            again = await read_alerts({"bootstrap.servers": bench.kafka["bootstrap_servers"]}, 0)
            assert [each.offset for each in again][-2:] == [each.offset for each in seen]

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_lease_outlasts_idle_times_of_leader_and_followers(kafka: str, own_name: str) -> None:
    """Both take turns without a record for several times the idle time; one that takes none loses
    the lease.
    """

    async def scenario() -> None:
        async with _bench(kafka, own_name) as bench:
            logs = [bench.alert_log(), bench.alert_log()]
            for log in logs:
                await log.start()
            holder, follows = await _settled(logs)
            (other,) = [log for log in logs if log is not holder]
            until = asyncio.get_running_loop().time() + 3 * IDLE / 1000
            while asyncio.get_running_loop().time() < until:
                await holder.read()
                assert holder.mine
                assert not other.mine
            await bench.raised(own_name, "after")
            assert any(own_name.encode() in each.value for each in await holder.alerts())
            await follows
            assert not holder.mine
            assert any(own_name.encode() in each.value for each in await other.alerts())
            for log in logs:
                await log.stop()

    asyncio.run(asyncio.wait_for(scenario(), 90))


async def _settled(logs: list[KafkaAlertLog]) -> tuple[KafkaAlertLog, asyncio.Task[None]]:
    """Who has the lease once both are in the group, and the other's wait for it."""
    while True:
        waits = {log: asyncio.create_task(log.elected()) for log in logs}
        await asyncio.wait(waits.values(), return_when=asyncio.FIRST_COMPLETED)
        holder = logs[0] if logs[0].mine else logs[1]
        (other,) = [log for log in logs if log is not holder]
        for _ in range(9):  # longer than a heartbeat, by which the first learns of the second
            await holder.read()
        if holder.mine and not other.mine:
            return holder, waits[other]
        for wait in waits.values():
            wait.cancel()


async def _evaluation(bench: Bench) -> AlertEvaluation:
    """The first evaluation that can be seen."""
    while True:
        found = await fetch_evaluation(bench.kafka, bench.group)
        if found is not None:
            return found
        await asyncio.sleep(0.2)


def test_events_are_read_from_a_time_on_over_all_partitions_until_everything_is_read(
    kafka: str, own_name: str
) -> None:
    async def scenario() -> None:
        async with _bench(kafka, own_name) as bench:
            await bench.ended(0, "failed", 0)
            await asyncio.sleep(0.01)
            since = bench.clock.now()
            for number in range(1, 9):
                await bench.ended(number, "failed", number % 4)
            written = bench.clock.now()
            log = bench.alert_log()
            await log.start()
            assert {COST, OUTCOMES} <= await log.topics()
            await log.follow([COST, OUTCOMES], since)
            keys, frontier = set(), None
            while frontier is None or frontier < written:
                read = await log.read()
                keys |= {each.key for each in read.records}
                frontier = read.frontier
            assert keys == {identity_key(own_name, f"r{number}") for number in range(1, 9)}
            await log.stop()

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_the_lag_of_a_group_is_its_uncommitted_records(kafka: str, own_name: str) -> None:
    async def scenario() -> None:
        async with _bench(kafka, own_name) as bench:
            place = TopicPartition(OUTCOMES, 1)
            consumer = AIOKafkaConsumer(
                **bench.kafka, group_id=f"{own_name}-work", enable_auto_commit=False
            )
            await consumer.start()
            consumer.assign([place])
            begin = (await consumer.end_offsets([place]))[place]
            await consumer.commit({place: begin})
            for number in range(3):
                await bench.ended(number, "failed", 1)
            log = bench.alert_log()
            await log.start()
            groups = (f"{own_name}-work", f"{own_name}-none")
            assert await log.lag(groups) == {(groups[0], OUTCOMES): 3}
            await log.stop()
            await consumer.stop()

    asyncio.run(asyncio.wait_for(scenario(), 60))


@asynccontextmanager
async def _webhook(received: asyncio.Queue[dict[str, Any]]) -> AsyncIterator[str]:
    """A server on loopback that collects the notices it receives; its URL."""

    async def take(request: web.Request) -> web.Response:
        received.put_nowait(await request.json())
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


def test_rules_are_evaluated_on_after_topics_were_deleted_and_recreated(own_name: str) -> None:
    """Of the alerts, with as many partitions as before, and of outcomes, with fewer."""

    async def recreate(admin: AdminClient, topic: str, partitions: int) -> None:
        await asyncio.to_thread(admin.delete_topics([topic])[topic].result, 30)
        config = next(each.config for each in declared_topics() if each.name == topic)
        new = NewTopic(topic, partitions, 1, config=config)
        while True:
            with suppress(KafkaException):
                await asyncio.to_thread(admin.create_topics([new])[topic].result, 30)
                return
            await asyncio.sleep(0.05)

    async def fired(bench: Bench) -> None:
        while True:
            with suppress(KafkaError, SluiceError):
                found = await read_alerts({"bootstrap.servers": bench.address}, 0)
                if any(b"error_rate" in each.value for each in found):
                    return
            await asyncio.sleep(0.3)

    async def scenario() -> None:
        async with _bench(address, own_name) as bench, AsyncExitStack() as stack:
            await bench.evaluator(stack, "w1", alerting(ERRORS))
            await _evaluation(bench)
            admin = AdminClient({"bootstrap.servers": address, "log_level": 0})

            async def traffic() -> None:
                for number in count(1):
                    with suppress(KafkaError, AssertionError):
                        await bench.ended(number, "failed", number % 2)
                    await asyncio.sleep(0.05)

            stack.push_async_callback(_ended, asyncio.create_task(traffic()))
            await fired(bench)
            await recreate(admin, ALERTS, 1)
            # The alert is active no more: its log is another one.
            await fired(bench)
            await recreate(admin, OUTCOMES, 2)
            await recreate(admin, ALERTS, 1)
            await fired(bench)
        # The server is used again, without the active alert.
        await recreate(admin, OUTCOMES, 4)
        await recreate(admin, ALERTS, 1)

    with some_kafka() as address:
        asyncio.run(asyncio.wait_for(scenario(), 110))


def test_two_workers_deliver_each_firing_and_each_resolution_once(
    kafka: str, own_name: str
) -> None:
    """The first leaves between the two, and the second reads the active alerts from the log.
    Before, no alert was written for longer than the idle time of their leases.
    """

    async def scenario() -> None:
        received = asyncio.Queue[dict[str, Any]]()
        status = "failed"
        async with (
            _bench(kafka, own_name) as bench,
            _webhook(received) as url,
            AsyncExitStack() as stack,
        ):
            rules = alerting(f"{ERRORS}\nwebhooks: [{{url: {url}, rules: [error_rate]}}]")

            async def traffic() -> None:
                for number in count(1):
                    await bench.ended(number, status, number % 4)
                    await asyncio.sleep(0.05)

            names = ("w1", "w2")
            workers = {name: await bench.evaluator(stack, name, rules) for name in names}
            begun = bench.clock.now()
            evaluation = await _evaluation(bench)
            assert evaluation.worker in names
            await asyncio.sleep(max(begun + 2 * IDLE - bench.clock.now(), 0) / 1000)
            stack.push_async_callback(_ended, asyncio.create_task(traffic()))
            fired = await received.get()
            await _ended(workers[fired["noticed_by"].removeprefix("evaluator@")])
            status = "replied"
            resolved = await received.get()
        assert [fired["state"], resolved["state"]] == ["fired", "resolved"]
        assert fired["noticed_by"] != resolved["noticed_by"]
        assert resolved["fired_at"] == fired["fired_at"]
        assert received.empty()

    asyncio.run(asyncio.wait_for(scenario(), 100))
