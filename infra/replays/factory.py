"""Components of a replay on Kafka and ClickHouse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from core.schema_registry import KnownSchemas, known_schemas
from infra.devstack.addresses import clickhouse_address, kafka_address
from infra.replays.replay_run import Runner, Tally
from infra.settings import InfraSettings
from schemas.encoding.codec import Codec, Format, UnknownSchemaError, format_of
from schemas.encoding.json_bounds import read_writable
from schemas.errors import SluiceError
from schemas.request import Request, request_document
from sinks.analytics.replays import ReplayTablesClient
from sinks.settings import SinkSettings
from streams.offline.replay.accepted import accepted_request
from streams.offline.replay.publishing import KafkaRows, events_of_run
from streams.offline.replay.replaying import ReadRequest
from streams.offline.replay.request_log import KafkaRequestLog
from streams.offline.replay.rows import CLOSED, DECISION, OPENED, run_event
from streams.offline.replay.run_spec import RunSpec
from streams.registry.history import RegistryHistory
from streams.registry.registry_topic import read_history
from streams.registry.version import RegistryVersion

ROWS_WAIT_S = 60.0
"""Time limit for the tables to have the rows of the replay topic."""


class UnknownRunError(SluiceError):
    """No run has this id."""


class TablesBehindError(SluiceError):
    """The sink has not stored the run's rows yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayComponents:
    """The components of a replay."""

    settings: InfraSettings
    log: KafkaRequestLog
    tables: ReplayTablesClient
    rows: KafkaRows
    history: RegistryHistory

    @property
    def kafka(self) -> dict[str, Any]:
        """Return settings of the plain client."""
        return plain_kafka(self.settings)


def plain_kafka(settings: InfraSettings) -> dict[str, Any]:
    """Return settings of the client that reads and writes for replays."""
    return settings.librdkafka_at(kafka_address(settings))


@contextmanager
def opened() -> Iterator[ReplayComponents]:
    """Open everything; close it at the end.

    Raises:
        RequestLogUnavailableError: Kafka does not respond.
        UnreachableError: ClickHouse does not respond.
        LocalStackError: no address is set and no local pipeline runs.
    """
    settings = InfraSettings()
    kafka = plain_kafka(settings)
    tables = ReplayTablesClient(SinkSettings(clickhouse_url=clickhouse_address(settings)))
    try:
        log = KafkaRequestLog(kafka)
        try:
            log.check()
            yield ReplayComponents(
                settings=settings,
                log=log,
                tables=tables,
                rows=KafkaRows(kafka),
                history=_history(settings),
            )
        finally:
            log.close()
    finally:
        tables.close()


def _history(settings: InfraSettings) -> RegistryHistory:
    return asyncio.run(read_history(plain_kafka(settings), keys=settings.registry_keys))


def request_reader(url: str | None) -> tuple[ReadRequest, Callable[[], None]]:
    """Return a reader of requests in any of their encodings, and its close function."""
    known = known_schemas(url)
    codec = Codec("Request", known)
    loop = asyncio.new_event_loop() if known is not None else None

    def read(value: bytes) -> Request:
        try:
            record = codec.decode(value)
        except UnknownSchemaError as error:
            if not _learnt(known, loop, error.schema_id):
                raise
            record = codec.decode(value)
        is_json = format_of(value, framed=codec.format is Format.CONFLUENT) is Format.JSON
        return accepted_request(record if is_json else request_document(record))

    def close() -> None:
        if loop is not None and known is not None:
            loop.run_until_complete(known.close())
            loop.close()

    return read, close


def _learnt(
    known: KnownSchemas | None, loop: asyncio.AbstractEventLoop | None, schema_id: int
) -> bool:
    if known is None or loop is None:
        return False
    return loop.run_until_complete(known.learn(schema_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Read a run's existing records on the topic."""

    is_open: bool
    done: frozenset[tuple[str, int, int]]


def earlier(parts: ReplayComponents, run_id: str) -> Earlier:
    """Return a run's records on the replay topic and in the tables."""
    done: set[tuple[str, int, int]] = set()
    is_open = False
    for event in events_of_run(parts.log, Codec("ReplayDecision"), run_id):
        is_open = is_open or event["kind"] == OPENED
        if event["kind"] == DECISION:
            source = event["source"]
            done.add((source["topic"], source["partition"], source["offset"]))
    for row in parts.tables.rows("rows", run=run_id):
        done.add((row["topic"], row["source_partition"], row["source_offset"]))
    return Earlier(is_open=is_open, done=frozenset(done))


def open_run(
    parts: ReplayComponents, spec: RunSpec, version: RegistryVersion, **about: Any
) -> None:
    """Publish what is replayed, with the whole registry."""
    document = {"spec": spec.as_document(), "registry": version.content.decode(), **about}
    _record(parts, OPENED, spec.run_id, document)


def close_run(parts: ReplayComponents, run_id: str, tally: Tally, summary: dict[str, Any]) -> None:
    """Publish the result."""
    _record(parts, CLOSED, run_id, {"tally": tally.as_document(), **summary})


def _record(parts: ReplayComponents, kind: str, run_id: str, document: dict[str, Any]) -> None:
    at = int(time.time() * 1000)
    event = run_event(kind, run_id, at, orjson.dumps(document).decode())
    parts.rows.put(run_id, run_id, Codec("ReplayDecision").encode(event))
    parts.rows.flush()


def until_stored(
    parts: ReplayComponents, run_id: str, rows: int, wait_s: float = ROWS_WAIT_S
) -> None:
    """Wait until the tables have the run's rows.

    Raises:
        TablesBehindError: they do not arrive; the decisions are on the topic and not lost.
    """
    deadline = time.monotonic() + wait_s
    stored = -1
    while time.monotonic() < deadline:
        found = list(parts.tables.rows("runs", run=run_id))
        stored = found[0]["decided"] if found else 0
        if stored >= rows:
            return
        time.sleep(0.2)
    raise TablesBehindError(
        f"run {run_id}: {stored} of {rows} decisions are in ClickHouse after {wait_s:.0f} s. All "
        "are on the topic; check that a sink runs, then repeat the command to continue."
    )


def run_of(parts: ReplayComponents, run_id: str) -> dict[str, Any]:
    """Return a run's record: `run_id, opened_at, spec, summary, decided`, its documents decoded.

    Raises:
        UnknownRunError: there is none with this id.
    """
    for row in parts.tables.rows("runs", run=run_id):
        found = _read_run(row)
        if found is not None:
            return found
    raise UnknownRunError(f"no replay has the id {run_id}; list all: sluice replay list")


def runs(parts: ReplayComponents) -> list[dict[str, Any]]:
    """Return every run, the latest first."""
    found = [_read_run(row) for row in parts.tables.rows("runs", run="")]
    return [each for each in found if each is not None]


def _read_run(row: dict[str, Any]) -> dict[str, Any] | None:
    """Return a run's record; `None` without a readable start on the topic."""
    try:
        spec = read_writable(row["spec"] or "null")
        summary = read_writable(row["summary"] or "null")
    except orjson.JSONDecodeError:
        return None
    return {**row, "spec": spec, "summary": summary} if isinstance(spec, dict) else None


def runner(parts: ReplayComponents, spec: RunSpec, **more: Any) -> Runner:
    """Return a runner with these components."""
    return Runner(spec=spec, log=parts.log, tables=parts.tables, rows=parts.rows, **more)
