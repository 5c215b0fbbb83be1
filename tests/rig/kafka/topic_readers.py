"""Every reader of every topic, in memory: one list for contract tests and fuzzing.

A reader takes records as a broker delivers them and must continue after any of them: `take` raises
nothing, `check` verifies that a good record is still read. `modules` are the modules that open its
consumers; `tests/contract/test_bad_records.py` finds those that are missing here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Protocol

import orjson

from core.codecs import Codecs
from core.kafka.fetch_source import FetchedRecord
from core.kafka.producer import Outgoing
from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from core.registry_signature import RegistryKeys, UnsignedRecordError
from infra.cli.operations.alerts import decoded
from infra.cli.output.alerts import alerts_shown
from infra.devstack.registry import local_registry
from infra.labels.judged_answers import AskedRequest
from infra.labels.prompts import prompts_of
from infra.labels.request_log import InMemoryPromptLog, LoggedValue, LogPlace
from infra.replays.factory import request_reader
from infra.workers.registry_use import registry_use
from infra.workers.status_topic import LiveWorkers
from schemas.callers.headers import CORRELATION_ID
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.errors import InvalidRequestError, RegistryError, UndecodableError
from schemas.gateway.headers import CALL_ID as PART_CALL_ID
from schemas.gateway.headers import GatewayHeaders
from schemas.identity import identity_key
from schemas.journal_headers import JournalHeaders
from schemas.topic_declarations import declared_topics
from schemas.topics import (
    ALERTS,
    BUDGETS,
    COST,
    DEAD_LETTER_SUFFIX,
    FEEDBACK,
    GATEWAY_REPLIES,
    GATEWAY_REQUESTS,
    OUTCOMES,
    QUALITY,
    REGISTRY,
    REPLAY_DECISIONS,
    REPLIES,
    REQUESTS,
    WORKERS,
    is_tier_topic,
)
from schemas.worker_status import WorkerStatus
from sinks.clickhouse.in_memory_store import MemoryStore
from sinks.ingest.partition_writer import PartitionWriter
from sinks.rows.batch import BatchLimits
from sinks.rows.dedup import SeenWindow
from sinks.rows.log_position import Place
from sinks.rows.row_reader import reader_of
from sinks.status import SinkStatus
from streams.agents.calls.interrupted_calls import book_interrupted
from streams.agents.context.tier_records import tier_record, wait_record
from streams.agents.handlers import Handlers
from streams.agents.outcomes.duplicates import answer_duplicate
from streams.alerts.evaluation.evaluator import Evaluator
from streams.alerts.leader_session import LeaderSession
from streams.alerts.log.alert_log import AlertRecord
from streams.alerts.log.event_reader import EventReader, EventRecord
from streams.bad_input.bad_records import BadRecords
from streams.bad_input.dead_letters import DeadLetterLimit, DeadLetters
from streams.client.pending_requests import PendingRequest, PendingRequests
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.flow.worker_status_feed import statuses_of
from streams.gateway.dispatch.reply_reader import ReplyReader
from streams.gateway.dispatch.request_ids import RequestIdentity
from streams.gateway.dispatch.waiting import WaitingRequests
from streams.journal.admission import Duplicate, HopMessage, Owner
from streams.journal.journal_log import booking_of
from streams.journal.sent_replies import RecordPlace
from streams.membership.name_guard import is_later
from streams.offline.replay.publishing import RUN_HEADER, event_of_run
from streams.registry.history import CURRENT_KEY, RegistryHistory, RegistryRecord
from streams.registry.live import LiveRegistry
from streams.registry.publishing import records_of
from streams.registry.version import parse_registry
from streams.routing.alert_rules import MeasureKind
from streams.worker.faust_app import incoming
from tests.rig.hostile.bad_records import BadRecord
from tests.sql.rig.log import cost_event, on_log, outcome_event, quality_event
from tests.unit.agents.world import World
from tests.unit.alerts.test_leader_session import World as AlertWorld
from tests.unit.alerts.world import TIERS as ALERT_TIERS
from tests.unit.alerts.world import alerting
from tests.unit.budgets.world import World as BudgetWorld

AT = 1_700_000_000_000
DECLARED = tuple(topic.name for topic in declared_topics())
INTAKE = (REQUESTS, GATEWAY_REQUESTS)
WAITS = tuple(name for name in DECLARED if name.startswith("llm.wait.") and name.endswith(".v1"))
TIER_TOPICS = tuple(name for name in DECLARED if is_tier_topic(name))
DEAD = tuple(name for name in DECLARED if name.endswith(DEAD_LETTER_SUFFIX))
_BOUNDS = {MeasureKind.QUALITY_DROP: "below: 0.5", MeasureKind.DISTRIBUTION_SHIFT: "change: 0.1"}
ALERT_RULES = "\n".join(
    ["rules:"]
    + [
        f"  r{number}: {{kind: {kind.value}, {_BOUNDS.get(kind, 'above: 0.5')}, min_sample: 1}}"
        for number, kind in enumerate(MeasureKind)
    ]
)


class Feeding(Protocol):
    """A running reader; `noted` counts the records that it skipped, if it reports that."""

    async def take(self, record: BadRecord) -> None:
        """Read a record."""
        ...

    async def check(self) -> None:
        """Read a good record and prove that it was."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicReader:
    """A reader, its topics, and the modules whose consumers feed it."""

    name: str
    topics: tuple[str, ...]
    modules: tuple[str, ...]
    open: Callable[[str], Awaitable[Feeding]]


def _work(topic: str, offset: int, record: BadRecord) -> Work:
    message = incoming(
        SimpleNamespace(
            generation_id=1,
            topic=topic, partition=0, offset=offset, timestamp=AT / 1000, key=record.key,
            value=record.value, headers=list(record.headers),
        )
    )  # fmt: skip
    return Work(message=message, slots=ConcurrencyLimiter(4), lane=PartitionState())


class _Handler:
    """A worker's handler of a topic that Faust reads."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    async def start(self) -> Feeding:
        self.world = World()
        self.world.clock.advance(AT - self.world.clock.now())
        deps = await self.world.worker()
        letters = DeadLetters(deps.kafka.publisher, "w1", DeadLetterLimit(share=1.0))
        self.deps = replace(
            deps,
            kafka=replace(deps.kafka, dead_letters=letters),
            intake=replace(deps.intake, bound_tenants=dict.fromkeys(INTAKE)),
        )
        handlers = Handlers(self.deps)
        self.offset = 0
        if self.topic in INTAKE:
            self.handler = handlers.requests
        elif self.topic == FEEDBACK:
            self.handler = handlers.feedback
        elif self.topic in WAITS:
            self.handler = handlers.waiting(1)
        else:
            self.handler = handlers.hops
        return self

    async def take(self, record: BadRecord) -> None:
        self.offset += 1
        work = _work(self.topic, self.offset, record)
        await work.slots.take()
        await self.handler(work)

    async def check(self) -> None:
        self.offset += 1
        number = self.offset
        if self.topic in INTAKE:
            value: bytes | None = orjson.dumps({"prompt": "Hi", "request_id": f"g{number}"})
            stated = GatewayHeaders(tenant="acme", key_id="k").as_headers()
            good = BadRecord(what="", value=value, headers=tuple(stated))
            goes_to = "llm.tier.simple.v1"
        elif self.topic == FEEDBACK:
            document = {"request_id": f"g{number}", "tenant": "acme", "score": 1}
            good, goes_to = BadRecord(what="", value=orjson.dumps(document)), QUALITY
        else:
            hop = self.world.request(
                request_id=f"g{number}", offset=10_000 + number, deadline_at=AT + 10**9
            )
            out = tier_record(hop, self.deps.kafka.codecs)
            goes_to = REPLIES
            if self.topic in WAITS:
                out, goes_to = wait_record(out, 1, 0), "llm.tier.simple.v1"
            good = BadRecord(what="", key=out.key, value=out.value, headers=tuple(out.headers))
        before = len(self.world.log.of(goes_to))
        await self.take(good)
        assert len(self.world.log.of(goes_to)) == before + 1, goes_to


class _Journal:
    """A worker's journal of a partition, and the calls that are booked by it."""

    async def start(self, topic: str) -> Feeding:
        self.topic = topic
        self.world = World()
        self.world.clock.advance(AT - self.world.clock.now())
        self.deps = await self.world.worker()
        self.number = 0
        return self

    async def take(self, record: BadRecord) -> None:
        if self.topic == COST:
            booking_of(record.headers)
        self.world.log.append(
            Outgoing(
                topic=self.topic, key=record.key, value=record.value,
                headers=list(record.headers), partition=0,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        journals = self.deps.kafka.journals
        await journals.take_news()
        journal = await journals.ready(0)
        if record.key:
            hop = HopMessage(identity=record.key, hop=0, visit=0, origin="t:0:1", digest="d")
            admission = journal.admit(hop, self.deps.kafka.me, self.world.clock.now())
            float(getattr(admission, "until", 0))
        self.world.clock.advance(25 * 3_600_000)
        for partition, calls in journals.orphans().items():
            await book_interrupted(partition, calls, self.deps.kafka)
            await journals.lost_workers(partition, ())

    async def check(self) -> None:
        self.number += 1
        identity = identity_key("acme", f"good{self.number}")
        headers = JournalHeaders(
            kind="replied", hop=0, visit=0, origin="t:0:7", digest="d", worker="w0",
            incarnation="i0",
        )  # fmt: skip
        self.world.log.append(
            Outgoing(topic=OUTCOMES, key=identity, value=b"", headers=headers.encode(), partition=0)
        )
        await self.deps.kafka.journals.take_news()
        assert (await self.deps.kafka.journals.ready(0)).knows(identity)


class _Budgets:
    """The count of the cost topic and the ledger, also as a start finds them."""

    async def start(self, topic: str) -> Feeding:
        self.topic = topic
        self.world = BudgetWorld(partitions=1)
        self.world.owners = {0: "w1"}
        self.worker = await self.world.worker()
        await self.world.charge(5)
        return self

    async def take(self, record: BadRecord) -> None:
        self.world.log.append(
            Outgoing(topic=self.topic, key=record.key, value=record.value, partition=0)
        )
        while await self.worker.follower.take_costs():
            pass
        while await self.worker.follower.take_ledger():
            pass

    async def check(self) -> None:
        await self.worker.keep()
        event = await self.world.charge(7)
        await self.worker.read()
        books = self.worker.follower.books
        assert books is not None
        spent = [books.spent(each).known for each in books.accounts() if each.subject == "acme"]
        assert max(spent) >= 7, event
        if self.topic == COST:
            await self.worker.keep()
            await self.world.worker("w2")


class _Registry:
    """What workers decide by, and what commands read of it."""

    keys: RegistryKeys | None = None

    async def start(self, topic: str) -> Feeding:
        self.problems: list[str] = []

        async def report(version: str, problem: str) -> None:
            self.problems.append(problem)

        async def report_unsigned(error: UnsignedRecordError) -> None:
            self.problems.append(str(error))

        tiers = ("simple", "moderate", "complex")
        self.live = LiveRegistry(tiers, report, keys=self.keys, on_unsigned=report_unsigned)
        self.history = RegistryHistory(self.keys)
        self.threshold = 0
        self.offset = 0
        return self

    async def take(self, record: BadRecord) -> None:
        await self._read(record.key or b"", record.value, list(record.headers))
        named = (record.key or b"").removeprefix(b"registry/").decode(errors="replace")
        if named in self.history.contents:
            with suppress(RegistryError):
                self.history.version(named)

    async def check(self) -> None:
        self.threshold = (self.threshold + 1) % 90
        text = local_registry("http://127.0.0.1:1")
        version = parse_registry(text.replace("simple: 0.6", f"simple: 0.{self.threshold + 10}"))
        pointer = orjson.dumps({"registry": version.hash, "by": "ada"})
        for key, value in (*records_of(version), (CURRENT_KEY, pointer)):
            signed = [] if self.keys is None else self.keys.sign(key, value, self.offset)
            await self._read(key, value, signed)
        assert self.live.version == version.hash
        assert self.history.version(version.hash).hash == version.hash

    async def _read(self, key: bytes, value: bytes | None, headers: Any) -> None:
        record = RegistryRecord(key=key, value=value, at=AT, headers=headers, offset=self.offset)
        self.offset += 1
        await self.live.take(record)
        with suppress(RegistryError):
            self.history.take(record)


class _SignedRegistry(_Registry):
    """The same where records must be signed."""

    keys = RegistryKeys(["0123456789abcdefghijklmnopqrstuv"])


class _AlertEvents:
    """What alert rules are measured on."""

    async def start(self, topic: str) -> Feeding:
        self.topic = topic
        self.noted: list[str] = []
        rules = alerting(ALERT_RULES)
        self.evaluator = Evaluator(rules, ALERT_TIERS, "w1")
        bad = BadRecords(_NoAlerts(), self.noted.append)
        self.reader = EventReader(Codecs(), self.evaluator.kinds, bad)
        self.offset = 0
        return self

    async def take(self, record: BadRecord) -> None:
        await self._seen(record)

    async def _seen(self, record: BadRecord) -> Any:
        self.offset += 1
        seen = await self.reader.seen(
            EventRecord(
                topic=self.topic, partition=0, offset=self.offset, at=AT, key=record.key or b"",
                headers=[(name, value or b"") for name, value in record.headers],
                value=record.value or b"",
            )
        )  # fmt: skip
        if seen is not None:
            self.evaluator.take(seen)
        return seen

    async def check(self) -> None:
        good = _good_event(self.topic, self.offset)
        assert await self._seen(good) is not None
        from streams.alerts.evaluation.active_alerts import AlertBook

        list(self.evaluator.evaluate(AT + 1_000, AlertBook()))


class _Alerts:
    """The readers of alerts: the evaluator's book, webhooks, and the command that lists them."""

    async def start(self, topic: str) -> Feeding:
        self.world = AlertWorld()
        self.life = self.world.worker()
        self.term: LeaderSession = self.life.term
        await self.term.begin()
        return self

    async def take(self, record: BadRecord) -> None:
        self.world.log.append(Outgoing(topic=ALERTS, key=record.key, value=record.value))
        await self.term._listen()
        list(self.term._evaluator.evaluate(self.world.clock.now(), self.term._book))
        shown, _ = await decoded(
            [AlertRecord(offset=1, at=AT, value=record.value or b"")], Codecs(), Codec("Alert")
        )
        orjson.dumps(alerts_shown(shown, 0, None).as_document())

    async def check(self) -> None:
        await self.term.turn()
        self.world.clock.advance(1)
        event = _good_alert(self.world.clock.now())
        await self.world.log.publish(Outgoing(topic=ALERTS, key=b"r", value=event))
        await self.term._listen()
        assert ("good", str(self.world.clock.now())) in self.term._book.active


class _Sink:
    """A sink's writer of a partition, with validated or unvalidated rows."""

    async def start(self, topic: str) -> Feeding:
        self.topic = topic
        self.noted = 0
        self.offset = 0
        self.writers = [await self._writer(careful) for careful in (-1, 1 << 60)]
        return self

    async def _writer(self, careful_until: int) -> PartitionWriter:
        place, store = Place(self.topic, 0), MemoryStore()
        claim = (await store.claim([place]))[place]

        def note(*_: Any) -> None:
            self.noted += 1

        from tests.unit.sinks.world import FixedClock, no_sleep

        return PartitionWriter(
            claim, reader_of(self.topic), SeenWindow(), store,
            limits=BatchLimits(rows=1), clock=FixedClock(), status=SinkStatus(instance="s"),
            stored_to=0, careful_until=careful_until, sleep=no_sleep, on_bad=note,
        )  # fmt: skip

    async def take(self, record: BadRecord) -> None:
        from tests.sql.rig.log import Record

        given = Record(
            offset=self.offset, timestamp=AT, key=record.key, value=record.value,
            headers=record.headers,  # type: ignore[arg-type]
        )  # fmt: skip
        self.offset += 1
        for writer in self.writers:
            writer.offer([given])

    async def check(self) -> None:
        good = _good_event(self.topic, self.offset)
        noted = self.noted
        await self.take(good)
        assert self.noted == noted
        for writer in self.writers:
            writer.close()
            await writer.run()
            assert writer.stored_to == self.offset
        offset = self.offset
        self.writers = [await self._writer(careful) for careful in (-1, 1 << 60)]
        for writer in self.writers:
            writer._next = offset


class _Caller:
    """The client of `ask`, `send` and `demo`."""

    async def start(self, topic: str) -> Feeding:
        self.pending = PendingRequests[PendingRequest]()
        return self

    async def take(self, record: BadRecord) -> None:
        self.pending.add(b"mine", PendingRequest())
        for correlation in (b"", b"mine", b"other"):
            self.pending.deliver(correlation, (), record.value)

    async def check(self) -> None:
        pending = PendingRequest()
        self.pending.add(b"good", pending)
        reply = dict.fromkeys(
            ("cost_usd", "baseline_cost_usd", "message", "model", "tier", "routing", "error")
        ) | {"request_id": "r", "status": "replied", "tiers_tried": [], "latency_ms": 1}
        self.pending.deliver(b"good", (), orjson.dumps(reply))
        assert pending.reply is not None


class _GatewayReplies:
    """The replies to an HTTP gateway, and its index of them."""

    async def start(self, topic: str) -> Feeding:
        self.topics = InMemoryTopics()
        self.topics.create(topic)
        self.waiting = WaitingRequests()
        consumer, lookups = InMemoryConsumer(self.topics), InMemoryConsumer(self.topics)
        self.reader = ReplyReader(consumer, lookups, self.waiting, lambda: AT)
        await self.reader.start([0])
        self.offset = 0
        return self

    def _identity(self, correlation: bytes) -> RequestIdentity:
        return RequestIdentity(request_id="r", correlation=correlation, partition=0)

    async def take(self, record: BadRecord) -> None:
        self.waiting.wait_for(self._identity(b"mine"), ("key", "body"))
        for more in ((), ((CORRELATION_ID, b"mine"),), ((CORRELATION_ID, b"mine"), _A_PART)):
            self._feed((*record.headers, *more), record.value)

    async def check(self) -> None:
        waiting = self.waiting.wait_for(self._identity(b"good"), ("key", "body"))
        reply = {"request_id": "r", "status": "replied", "tiers_tried": [], "latency_ms": 1}
        self._feed(((CORRELATION_ID, b"good"),), orjson.dumps(reply))
        assert waiting.reply is not None
        assert waiting.reply.status == "replied"

    def _feed(self, headers: tuple[tuple[str, bytes | None], ...], value: bytes | None) -> None:
        self.offset += 1
        self.reader.take(
            FetchedRecord(GATEWAY_REPLIES, 0, self.offset, AT, 1, None, value, headers)
        )


_A_PART = (PART_CALL_ID, b"c1")


class _SentReply:
    """A reply that is read again for a repeated request id."""

    async def start(self, topic: str) -> Feeding:
        self.world = World()
        deps = await self.world.worker()
        self.value: bytes | None = None

        async def read(place: RecordPlace) -> bytes | None:
            return self.value

        self.deps = replace(
            deps, kafka=replace(deps.kafka, sent_replies=SimpleNamespace(read=read))
        )
        return self

    async def take(self, record: BadRecord) -> None:
        self.value = record.value
        before = len(self.world.log.of(REPLIES))
        for form in ("json", "single-object"):
            hop = self.world.request()
            hop = replace(hop, reply_to=replace(hop.reply_to, format=form))
            place = RecordPlace(topic=REPLIES, partition=0, offset=0)
            duplicate = Duplicate(status="replied", silent=False, reply=place)
            await answer_duplicate(hop, duplicate, self.deps.kafka, self.deps.observers)
        assert len(self.world.log.of(REPLIES)) == before + 2

    async def check(self) -> None:
        await self.take(BadRecord(what="", value=b'{"request_id": "r1", "status": "replied"}'))
        assert b'"status":"replied"' not in self.world.log.values(REPLIES)[-2]
        assert self.world.log.values(REPLIES)[-2] == self.value


class _Status:
    """The running workers, as `sluice registry apply` reads them."""

    async def start(self, topic: str) -> Feeding:
        self.workers = LiveWorkers()
        return self

    async def take(self, record: BadRecord) -> None:
        self.workers.take(record.key or b"", record.value, AT)
        registry_use(self.workers.alive, "v")

    async def check(self) -> None:
        status = WorkerStatus(worker="good", incarnation="i")
        self.workers.take(b"good", status.encode(), AT)
        assert status in self.workers.alive


class _Namesakes:
    """Processes that run under a worker's name."""

    MINE = WorkerStatus(worker="good", incarnation="i", started_at=1)

    async def start(self, topic: str) -> Feeding:
        return self

    async def take(self, record: BadRecord) -> None:
        for status in statuses_of([(record.value, AT)]):
            is_later(status, self.MINE)

    async def check(self) -> None:
        later = replace(self.MINE, incarnation="j", started_at=2)
        (status,) = statuses_of([(later.encode(), AT)])
        assert is_later(status, self.MINE)


class _ReplayRequests:
    """Requests as a replay and `sluice train` read them again."""

    async def start(self, topic: str) -> Feeding:
        self.read, _ = request_reader(None)
        return self

    async def take(self, record: BadRecord) -> None:
        with suppress(UndecodableError, InvalidRequestError):
            self.read(record.value or b"")
        await self._prompts(record)

    async def _prompts(self, record: BadRecord) -> int:
        place = LogPlace(topic=REQUESTS, partition=0, offset=1)
        log = InMemoryPromptLog({place: LoggedValue(value=record.value, timestamp=AT)})
        labelled = AskedRequest(tenant="t", request_id="r", requested_at=AT, place=place)
        return len((await prompts_of([labelled], log, Codec("Request"))).texts)

    async def check(self) -> None:
        good = BadRecord(what="", value=b'{"prompt": "Hi"}')
        assert self.read(good.value or b"").body["messages"]
        assert await self._prompts(good) == 1


class _ReplayRows:
    """The rows of its run that a resumed replay reads."""

    async def start(self, topic: str) -> Feeding:
        self.codec = Codec("ReplayDecision")
        return self

    async def take(self, record: BadRecord) -> None:
        for run in (None, "run"):
            for headers in (record.headers, ((RUN_HEADER, b"run"),)):
                event = event_of_run(headers, record.value, self.codec, run)
                if event is not None and event["kind"] == "decision":
                    event["source"]["topic"]

    async def check(self) -> None:
        good = _good_event(REPLAY_DECISIONS, 0)
        assert event_of_run((), good.value, self.codec, None) is not None


class _NoAlerts:
    async def fire(self, *_: object) -> None:
        """Deliver nothing."""


def _good_alert(at: int) -> bytes:
    from schemas.events import Alert

    alert = Alert(
        rule="good", subject=str(at), state="fired", severity="warning", message="m", at=at,
        worker="w1",
    )  # fmt: skip
    return Codec("Alert").encode(as_record(alert))


def _good_event(topic: str, number: int) -> BadRecord:
    """A record that its readers accept."""
    name = f"g{number}"
    if topic == COST:
        (each,) = on_log(COST, [cost_event(call_id=name, request_id=name)])
    elif topic == OUTCOMES:
        (each,) = on_log(OUTCOMES, [outcome_event(request_id=name)])
    elif topic == QUALITY:
        (each,) = on_log(QUALITY, [quality_event(request_id=name, score=1.0)])
    elif topic == ALERTS:
        return BadRecord(what="", value=_good_alert(AT))
    elif topic == REPLAY_DECISIONS:
        from streams.offline.replay.rows import OPENED, run_event

        value = Codec("ReplayDecision").encode(run_event(OPENED, "run", AT, "{}"))
        return BadRecord(what="", value=value)
    elif topic == REGISTRY:
        return BadRecord(what="", key=b"registry/0123456789abcdef", value=b"{}")
    else:
        return BadRecord(what="", value=b"bytes")
    return BadRecord(what="", key=each.key, value=each.value, headers=tuple(each.headers))


def _opening(make: Callable[[], Any]) -> Callable[[str], Awaitable[Feeding]]:
    async def opened(topic: str) -> Feeding:
        feeding: Feeding = await make().start(topic)
        return feeding

    return opened


async def _handler(topic: str) -> Feeding:
    return await _Handler(topic).start()


_LABELS, _REPLAY_LOG = "infra/labels/kafka_log.py", "streams/offline/replay/request_log.py"

READERS: tuple[TopicReader, ...] = (
    TopicReader(
        name="worker",
        topics=(*INTAKE, FEEDBACK, *TIER_TOPICS, *WAITS),
        modules=("streams/membership/faust_transport.py",),
        open=_handler,
    ),
    TopicReader(
        name="journal",
        topics=(OUTCOMES, COST),
        modules=("streams/journal/journal_log.py",),
        open=_opening(_Journal),
    ),
    TopicReader(
        name="budgets",
        topics=(COST, BUDGETS),
        modules=("streams/budgets/budget_log.py",),
        open=_opening(_Budgets),
    ),
    TopicReader(
        name="registry",
        topics=(REGISTRY,),
        modules=("streams/registry/live.py", "streams/registry/registry_topic.py"),
        open=_opening(_Registry),
    ),
    TopicReader(
        name="signed registry",
        topics=(REGISTRY,),
        modules=("streams/registry/live.py", "streams/registry/registry_topic.py"),
        open=_opening(_SignedRegistry),
    ),
    TopicReader(
        name="alert rules",
        topics=(COST, OUTCOMES, QUALITY, *DEAD),
        modules=("streams/alerts/log/kafka_alert_log.py",),
        open=_opening(_AlertEvents),
    ),
    TopicReader(
        name="alerts",
        topics=(ALERTS,),
        modules=("streams/alerts/log/kafka_alert_log.py",),
        open=_opening(_Alerts),
    ),
    TopicReader(
        name="sink",
        topics=(COST, QUALITY, OUTCOMES, ALERTS, REGISTRY, REPLAY_DECISIONS, *DEAD),
        modules=("sinks/ingest/consumer.py",),
        open=_opening(_Sink),
    ),
    TopicReader(
        name="caller",
        topics=(REPLIES,),
        modules=("streams/client/connection.py",),
        open=_opening(_Caller),
    ),
    TopicReader(
        name="gateway",
        topics=(GATEWAY_REPLIES,),
        modules=("streams/gateway/process.py",),
        open=_opening(_GatewayReplies),
    ),
    TopicReader(
        name="sent replies",
        topics=(REPLIES,),
        modules=("streams/journal/sent_replies.py",),
        open=_opening(_SentReply),
    ),
    TopicReader(
        name="workers' status",
        topics=(WORKERS,),
        modules=("infra/workers/status_topic.py",),
        open=_opening(_Status),
    ),
    TopicReader(
        name="namesakes",
        topics=(WORKERS,),
        modules=("streams/flow/worker_status_feed.py",),
        open=_opening(_Namesakes),
    ),
    TopicReader(
        name="replay and labels",
        topics=(REQUESTS,),
        modules=(_REPLAY_LOG, _LABELS),
        open=_opening(_ReplayRequests),
    ),
    TopicReader(
        name="replay rows",
        topics=(REPLAY_DECISIONS,),
        modules=(_REPLAY_LOG,),
        open=_opening(_ReplayRows),
    ),
)


def readings(topics: Iterable[str] = DECLARED) -> list[tuple[TopicReader, str]]:
    """Every reader with each of its topics."""
    wanted = set(topics)
    return [(reader, topic) for reader in READERS for topic in reader.topics if topic in wanted]


__all__ = ["READERS", "Feeding", "Owner", "TopicReader", "readings"]
