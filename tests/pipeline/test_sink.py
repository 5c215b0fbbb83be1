"""Of two sinks one is killed while events flow, garbage among them: each record is one row."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from sinks.rows.tables import DEAD_LETTERS, table_of
from sinks.settings import SinkSettings
from tests.bench.sink_records import Record, producer, records, send
from tests.fixtures.migrated import make_migrated
from tests.rig.observed.books import rows
from tests.rig.observed.polling import poll_until
from tests.rig.stack import Stack

TABLES = ("calls", "quality", "outcomes", DEAD_LETTERS.name)
REQUESTS = 600
BEFORE, MEANWHILE = 600, 1_200
"""Events, of four a request, that are written before and while a sink is killed."""
GARBAGE_EVERY = 97
WITHIN_S = 110.0

Place = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A record and the table that it belongs in."""

    record: Record
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Sinks of one group, on their own database."""

    stack: Stack
    database: str

    @property
    def _all(self) -> str:
        tables = (
            f"SELECT topic, partition, offset, '{table}' AS stored_in FROM {self.database}.{table}"
            for table in TABLES
        )
        return f"({' UNION ALL '.join(tables)})"

    def stored(self) -> list[tuple[Place, str]]:
        """Place and table of every row."""
        found = rows(self.stack.clickhouse_url, f"SELECT * FROM {self._all}")
        return [((topic, partition, offset), table) for topic, partition, offset, table in found]

    def count(self) -> int:
        """Rows."""
        return int(rows(self.stack.clickhouse_url, f"SELECT count() FROM {self._all}")[0][0])

    def reached(self, places: Iterable[Place]) -> bool:
        """Whether each partition is stored up to the last of its places."""
        query = f"SELECT topic, partition, max(offset) FROM {self._all} GROUP BY topic, partition"
        last = {(row[0], row[1]): row[2] for row in rows(self.stack.clickhouse_url, query)}
        return all(last.get(place[:2], -1) >= place[2] for place in places)

    def dead_letters(self) -> dict[Place, str]:
        """SHA-256 by place."""
        query = f"SELECT topic, partition, offset, sha256 FROM {self.database}.dead_letters"
        return {
            (topic, partition, offset): digest
            for topic, partition, offset, digest in rows(self.stack.clickhouse_url, query)
        }

    def owners(self) -> set[str]:
        """Sinks that hold some partition."""
        query = (
            "SELECT DISTINCT argMax(instance, (epoch, claim)) "
            f"FROM {self.database}.sink_epochs GROUP BY topic, partition"
        )
        return {row[0] for row in rows(self.stack.clickhouse_url, query)}

    def until(self, holds: Callable[[], bool], *needed: str) -> None:
        """Wait until a condition holds; the sinks that it needs must be running."""

        def settled() -> bool:
            for name in needed:
                process = self.stack.processes[name]
                assert process.alive, process.last_lines()
            return holds()

        poll_until(settled, WITHIN_S)


@pytest.fixture
def sinks(kafka: str, clickhouse: str, database: str) -> Iterator[Sinks]:
    """None runs yet; they flush often."""
    settings = SinkSettings(clickhouse_url=clickhouse, clickhouse_database=database)
    make_migrated(settings)
    env = {
        "SLUICE_CLICKHOUSE_DATABASE": database,
        "SLUICE_SINK_GROUP": database,
        "SLUICE_SINK_FLUSH_MS": "50",
    }
    with tempfile.TemporaryDirectory(prefix="sluice-sinks-") as folder:
        stack = Stack(Path(folder), kafka_at=kafka, clickhouse_at=clickhouse, env=env)
        try:
            stack.create_topics()
            yield Sinks(stack=stack, database=database)
        finally:
            stack.stop()


def _coming() -> Iterator[Sent]:
    """Events; of some there is only garbage of a kind, the last of which begins as an event."""
    for number, record in enumerate(records(REQUESTS)):
        if number % GARBAGE_EVERY:
            yield Sent(record=record, table=table_of(record.topic).name)
            continue
        kinds = (b"", b"\xff" * 40, b'{"tenant": "ac', record.value[:-7])
        garbage = kinds[number // GARBAGE_EVERY % len(kinds)]
        yield Sent(record=replace(record, value=garbage), table=DEAD_LETTERS.name)


def _write(bootstrap: str, coming: Iterable[Sent]) -> dict[Place, Sent]:
    """Write records; returns their positions."""
    written: dict[Place, Sent] = {}
    log = producer(bootstrap)
    for sent in coming:

        def on_stored(error: object, message: Any, sent: Sent = sent) -> None:
            assert error is None
            written[message.topic(), message.partition(), message.offset()] = sent

        send(log, sent.record, on_stored)
    log.flush()
    return written


def test_a_killed_sinks_records_are_one_row_each_and_garbage_is_a_dead_letter(
    sinks: Sinks,
) -> None:
    stack, coming = sinks.stack, _coming()
    for number in (1, 2):
        stack.start_sink(number, wait=False)
    sinks.until(lambda: sinks.owners() == {"sink-1", "sink-2"}, "sink-1", "sink-2")
    written = _write(stack.bootstrap, islice(coming, BEFORE))
    with ThreadPoolExecutor(max_workers=1) as thread:
        writing = thread.submit(_write, stack.bootstrap, islice(coming, MEANWHILE))
        sinks.until(lambda: sinks.count() > BEFORE // 2, "sink-1", "sink-2")
        stack.kill("sink-1")
        written |= writing.result()
    written |= _write(stack.bootstrap, coming)
    sinks.until(lambda: sinks.reached(written), "sink-2")

    stored = sinks.stored()
    table_at = dict(stored)
    assert len(stored) == len(table_at), "a record has two rows"
    assert {place: table_at[place] for place in written} == {
        place: sent.table for place, sent in written.items()
    }
    dead = sinks.dead_letters()
    garbage = {place: sent for place, sent in written.items() if sent.table == DEAD_LETTERS.name}
    assert garbage
    for place, sent in garbage.items():
        assert dead[place] == sha256(sent.record.value).hexdigest()
    call_ids = rows(
        stack.clickhouse_url,
        f"SELECT count(), uniqExact(call_id) FROM {sinks.database}.calls WHERE repeat = 0",
    )
    assert call_ids[0][0] == call_ids[0][1]
