"""With a key, the registry follows signed records only, whatever else is on its topic."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import orjson
import pytest

from core.registry_signature import Refusal, RegistryKeys, UnsignedRecordError
from infra.devstack.registry import local_registry
from schemas.alert_names import AlertName
from schemas.errors import RegistryError
from streams.observability.metrics import WorkerMetrics
from streams.registry.history import (
    CURRENT_KEY,
    MOST_BAD,
    RegistryHistory,
    RegistryRecord,
)
from streams.registry.in_memory_registry_log import MemoryRegistryLog
from streams.registry.learned import default_artifact
from streams.registry.live import LiveRegistry
from streams.registry.publishing import MOST_TRIES, RegistryWriter, records_of
from streams.registry.repair import Repair, repair_of
from streams.registry.signing import SigningPlan, signing_plan
from streams.registry.version import RegistryVersion, parse_registry
from streams.worker.registry_alerts import live_registry
from streams.worker.settings import WorkerSettings

NEW, OLD = (RegistryKeys([each * 4]) for each in ("abcdefghij", "0123456789"))
BOTH = RegistryKeys(["abcdefghij" * 4, "0123456789" * 4])
TIERS = ("simple", "moderate", "complex")
TEXT = local_registry("http://127.0.0.1:1")


def _version(threshold: float) -> RegistryVersion:
    return parse_registry(TEXT.replace("simple: 0.6", f"simple: {threshold}"))


FIRST, SECOND, FORGED = _version(0.6), _version(0.7), _version(0.2)
LEARNED = parse_registry(TEXT.replace("classifier: rules", "classifier: learned"))


def _key(version: RegistryVersion) -> bytes:
    return f"registry/{version.hash}".encode()


def _pointer(version: RegistryVersion) -> bytes:
    return orjson.dumps({"registry": version.hash, "by": "mallory"})


def _written(what: Callable[[RegistryWriter], Awaitable[None]], log: MemoryRegistryLog,
             keys: RegistryKeys | None) -> None:  # fmt: skip
    asyncio.run(what(RegistryWriter(log, keys)))  # type: ignore[arg-type]


def _apply(
    log: MemoryRegistryLog, *versions: RegistryVersion, keys: RegistryKeys | None = NEW
) -> None:
    async def write(writer: RegistryWriter) -> None:
        for number, version in enumerate(versions):
            for key, value in records_of(version):
                await writer.put(key, value)
            await writer.point(version.hash, "ada", [each.hash for each in versions[:number]])

    _written(write, log, keys)


def _history(log: MemoryRegistryLog, keys: RegistryKeys | None = NEW) -> RegistryHistory:
    history = RegistryHistory(keys)
    for record in log.records:
        history.read(record)
    return history


async def _read(live: LiveRegistry, records: Iterable[RegistryRecord]) -> None:
    for each in records:
        await live.take(each)


class Worker:
    """A worker's registry, and the problems that it reported."""

    def __init__(self, keys: RegistryKeys | None = NEW) -> None:
        self.refused: list[Refusal] = []
        self.invalid: list[str] = []
        self.live = LiveRegistry(TIERS, self._report, keys=keys, on_unsigned=self._report_unsigned)

    async def _report(self, version: str, problem: str) -> None:
        self.invalid.append(problem)

    async def _report_unsigned(self, error: UnsignedRecordError) -> None:
        self.refused.append(error.refusal)

    def reads(self, records: Iterable[RegistryRecord]) -> Worker:
        asyncio.run(_read(self.live, records))
        return self

    def starts_on(self, records: Iterable[RegistryRecord]) -> Worker:
        async def scenario() -> None:
            for each in records:
                await self.live.take_in(each)
            await self.live.use_latest_valid()

        asyncio.run(scenario())
        return self


@pytest.fixture
def log() -> MemoryRegistryLog:
    """A topic on which two signed versions were applied, the second is current."""
    log = MemoryRegistryLog()
    _apply(log, FIRST, SECOND)
    return log


def test_signed_versions_are_followed(log: MemoryRegistryLog) -> None:
    worker = Worker().reads(log.records)

    assert worker.live.version == SECOND.hash
    assert (worker.refused, worker.invalid) == ([], [])


Attack = Callable[[MemoryRegistryLog], None]


def _unsigned_apply(log: MemoryRegistryLog) -> None:
    _apply(log, FORGED, keys=None)


def _replay_pointer(log: MemoryRegistryLog) -> None:
    old = next(each for each in log.records if each.key == CURRENT_KEY)
    log.add(old.key, old.value, old.headers)


def _header_of_another_record(log: MemoryRegistryLog) -> None:
    log.add(CURRENT_KEY, _pointer(FORGED), log.records[-1].headers)


def _foreign_key(log: MemoryRegistryLog) -> None:
    _apply(log, FORGED, keys=OLD)


def _overwritten_version(log: MemoryRegistryLog) -> None:
    log.add(_key(SECOND), FORGED.content)


def _tombstones(log: MemoryRegistryLog) -> None:
    for version in (FIRST, SECOND):
        log.add(_key(version), None)
    log.add(CURRENT_KEY, None)


def _empty_pointer(log: MemoryRegistryLog) -> None:
    log.add(CURRENT_KEY, b"", log.records[-1].headers)


ATTACKS: dict[str, Attack] = {
    each.__name__: each
    for each in (
        _unsigned_apply,
        _replay_pointer,
        _header_of_another_record,
        _foreign_key,
        _overwritten_version,
        _tombstones,
        _empty_pointer,
    )
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_worker_keeps_the_signed_version_and_reports_each_record(
    attack: str, log: MemoryRegistryLog
) -> None:
    before = len(log.records)
    ATTACKS[attack](log)

    worker = Worker().reads(log.records)

    assert worker.live.version == SECOND.hash
    assert len(worker.refused) == len(log.records) - before
    assert worker.invalid == []
    assert worker.live._history.version(SECOND.hash).content == SECOND.content


@pytest.mark.parametrize("attack", ATTACKS)
def test_after_compaction_a_new_reader_never_follows_what_was_not_signed_last(
    attack: str, log: MemoryRegistryLog
) -> None:
    ATTACKS[attack](log)
    log.compact()

    worker = Worker().starts_on(log.records)

    assert worker.live.version in {None, SECOND.hash}
    assert _history(log).current is None or _history(log).current.version == SECOND.hash  # type: ignore[union-attr]


@pytest.mark.parametrize("attack", ATTACKS)
def test_repair_puts_the_signed_state_back(attack: str, log: MemoryRegistryLog) -> None:
    ATTACKS[attack](log)
    repair = repair_of(_history(log))

    async def mend(writer: RegistryWriter) -> None:
        for key, value in repair.restored:
            await writer.put(key, value)
        for key in repair.tombstones:
            await writer.put(key, None)
        if repair.pointer is not None:
            await writer.point(repair.pointer[0], "ada", repair.pointer[1])

    _written(mend, log, NEW)
    log.compact()
    mended = _history(log)

    assert repair_of(mended) == Repair(problems={})
    assert mended.current is not None
    assert mended.current.version == SECOND.hash
    assert mended.version(SECOND.hash).content == SECOND.content
    assert mended.version(mended.current.before[-1]).hash == FIRST.hash
    assert Worker().starts_on(log.records).live.version == SECOND.hash


def test_repair_removes_nothing_if_nothing_is_signed_by_these_keys(
    log: MemoryRegistryLog,
) -> None:
    repair = repair_of(_history(log, OLD))

    assert repair.is_lost
    assert (repair.restored, repair.tombstones, repair.pointer) == ((), (), None)


def test_operators_see_which_version_an_unsigned_pointer_names(log: MemoryRegistryLog) -> None:
    _unsigned_apply(log)
    worker = Worker().reads(log.records)

    assert worker.live.refused is not None
    assert worker.live.refused[0] == FORGED.hash
    assert "no signature" in worker.live.refused[1]


def test_a_record_that_another_writer_displaced_is_written_again(log: MemoryRegistryLog) -> None:
    rivals = iter(range(3))

    def other_writer() -> None:
        if next(rivals, None) is not None:
            log.add(b"registry/" + b"0" * 16, b"{}")

    log.before_append = other_writer
    _apply(log, FORGED)

    assert Worker().reads(log.records).live.version == FORGED.hash


def test_a_writer_fails_under_constant_concurrent_writes() -> None:
    log = MemoryRegistryLog()
    log.before_append = lambda: log.add(b"noise", b"") and None

    with pytest.raises(RegistryError, match="other writers"):
        _apply(log, FIRST)
    assert len(log.records) == 2 * MOST_TRIES


def test_a_million_bad_keys_do_not_fill_the_memory() -> None:
    history = RegistryHistory(NEW)
    for number in range(MOST_BAD + 100):
        history.read(RegistryRecord(key=b"x%d" % number, value=b"", at=0, headers=[], offset=0))
    large = b"k" * (8 * 1024 * 1024)
    few = RegistryHistory(NEW)
    for number in range(5):
        few.read(RegistryRecord(key=large + b"%d" % number, value=b"", at=0, headers=[], offset=0))

    assert len(history.bad) == MOST_BAD
    assert history.refused == MOST_BAD + 100
    assert len(few.bad) == 1


def _signed(log: MemoryRegistryLog, plan: SigningPlan, keys: RegistryKeys) -> None:
    async def write(writer: RegistryWriter) -> None:
        for key, value in plan.records:
            await writer.put(key, value)
        if plan.pointer is not None:
            await writer.point(plan.pointer[0], "ada", plan.pointer[1])

    _written(write, log, keys)


def test_signing_the_current_version_enables_an_unsigned_log() -> None:
    log = MemoryRegistryLog()
    _apply(log, FIRST, LEARNED, keys=None)
    assert _history(log).current is None

    plan = signing_plan(log.records, NEW)
    _signed(log, plan, NEW)
    history = _history(log)

    assert plan.trusted == (LEARNED.hash,)
    assert plan.left == 1
    assert history.current is not None
    assert (history.current.version, history.current.before) == (LEARNED.hash, ())
    assert set(history.artifacts) == {default_artifact().hash}
    assert Worker().reads(log.records).live.version == LEARNED.hash
    assert signing_plan(log.records, NEW).is_empty
    # Workers without the key continue as before.
    assert Worker(None).reads(log.records).live.version == LEARNED.hash


def test_all_of_an_unsigned_log_can_be_signed_and_rolled_back() -> None:
    log = MemoryRegistryLog()
    _apply(log, FIRST, SECOND, keys=None)

    plan = signing_plan(log.records, NEW, every=True)
    _signed(log, plan, NEW)
    history = _history(log)

    assert plan.left == 0
    assert history.current is not None
    assert history.current.before == (FIRST.hash,)
    assert repair_of(history) == Repair(problems={})


def test_a_named_version_is_signed_instead_of_the_current_one() -> None:
    log = MemoryRegistryLog()
    _apply(log, FIRST, FORGED, keys=None)

    _signed(log, signing_plan(log.records, NEW, FIRST.hash), NEW)

    assert Worker().reads(log.records).live.version == FIRST.hash
    with pytest.raises(RegistryError, match="not on the topic"):
        signing_plan(log.records, NEW, "0" * 16)


def test_a_signed_version_stays_current_whatever_an_unsigned_pointer_names(
    log: MemoryRegistryLog,
) -> None:
    _unsigned_apply(log)

    plan = signing_plan(log.records, NEW)

    assert (plan.version, plan.trusted) == (SECOND.hash, ())
    assert _key(FORGED) not in dict(plan.records)


def test_keys_change_without_a_gap(log: MemoryRegistryLog) -> None:
    log = MemoryRegistryLog()
    _apply(log, FIRST, LEARNED, keys=OLD)
    both = Worker(BOTH).reads(log.records)
    assert both.live.version == LEARNED.hash

    plan = signing_plan(log.records, BOTH)
    _signed(log, plan, BOTH)

    assert plan.trusted == ()
    for keys in (BOTH, NEW):
        assert Worker(keys).reads(log.records).live.version == LEARNED.hash
        assert _history(log, keys).version(FIRST.hash).hash == FIRST.hash
    assert signing_plan(log.records, BOTH).is_empty


def test_a_removed_record_stays_removed_after_a_key_rotation(log: MemoryRegistryLog) -> None:
    log = MemoryRegistryLog()
    _apply(log, FIRST, SECOND, keys=OLD)
    _written(lambda writer: writer.put(_key(FIRST), None), log, OLD)
    assert _history(log, NEW).bad

    plan = signing_plan(log.records, BOTH)
    _signed(log, plan, BOTH)

    assert dict(plan.records)[_key(FIRST)] is None
    history = _history(log, NEW)
    assert history.bad == {}
    assert FIRST.hash not in history.contents
    assert repair_of(history).problems == {}
    assert signing_plan(log.records, BOTH).is_empty


def test_a_worker_with_keys_counts_rejections_and_raises_the_alert(
    monkeypatch: pytest.MonkeyPatch, log: MemoryRegistryLog
) -> None:
    monkeypatch.setenv("SLUICE_REGISTRY_KEY", "abcdefghij" * 4)
    fired: list[tuple[str, str]] = []

    class _Alerts:
        async def fire(self, rule: AlertName, subject: str, message: str) -> None:
            fired.append((rule, subject))

    _unsigned_apply(log)
    metrics = WorkerMetrics()
    live = live_registry(WorkerSettings(), _Alerts(), metrics)
    asyncio.run(_read(live, log.records))

    assert live.version == SECOND.hash
    name = "sluice_registry_refused_total"
    for kind in ("registry", "current"):
        labels = {"kind": kind, "reason": "unsigned"}
        assert metrics.registry.get_sample_value(name, labels) == 1
    assert fired == [
        (AlertName.UNSIGNED_REGISTRY, "registry"),
        (AlertName.UNSIGNED_REGISTRY, "current"),
    ]


def test_a_start_reports_only_keys_with_a_rejected_latest_record(log: MemoryRegistryLog) -> None:
    _unsigned_apply(log)
    assert Worker().starts_on(log.records).refused == [Refusal.UNSIGNED] * 2

    async def point(writer: RegistryWriter) -> None:
        await writer.point(SECOND.hash, "ada", [FIRST.hash])

    _written(point, log, NEW)
    refusals = Worker().starts_on(log.records).refused
    assert refusals == [Refusal.UNSIGNED], "the version is still on the topic, the pointer is not"

    async def take_out(writer: RegistryWriter) -> None:
        await writer.put(_key(FORGED), None)

    _written(take_out, log, NEW)
    assert Worker().starts_on(log.records).refused == []


def test_a_start_reports_no_replaced_malformed_record() -> None:
    log = MemoryRegistryLog()
    log.add(CURRENT_KEY, b"[]")
    assert len(Worker(None).starts_on(log.records).invalid) == 1

    _apply(log, FIRST, keys=None)
    assert Worker(None).starts_on(log.records).invalid == []
