"""A change of registry or artifact on a running worker: no request is lost or decided twice."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from core.registry_signature import RegistryKeys, UnsignedRecordError
from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from infra.devstack.registry import local_registry
from schemas.encoding.codec import Codec
from schemas.errors import UndecodableError
from schemas.topics import ALERTS
from streams.registry.history import CURRENT_KEY
from streams.registry.learned import default_artifact
from streams.registry.live import LiveRegistry
from streams.registry.publishing import move_pointer, publish_version
from streams.registry.registry_topic import read_records, registry_log
from streams.registry.version import parse_registry
from streams.routing.learned.artifact import pack_artifact, read_artifact
from tests.rig.hostile.sender import Sender, sender
from tests.rig.observed.hot_registry import BY_S, in_use, uses
from tests.rig.stack import Stack

FEATURE = "hot-reload"


@asynccontextmanager
async def alerts(bootstrap: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """All alerts of the log, present and future."""
    consumer = AIOKafkaConsumer(ALERTS, bootstrap_servers=bootstrap, auto_offset_reset="earliest")

    async def decoded() -> AsyncIterator[dict[str, Any]]:
        async for record in consumer:
            # Other tests write invalid records there.
            with suppress(UndecodableError):
                yield Codec("Alert").decode(record.value or b"")

    await consumer.start()
    try:
        yield decoded()
    finally:
        await consumer.stop()


@asynccontextmanager
async def _asking(caller: Sender) -> AsyncIterator[list[dict[str, Any]]]:
    """Requests one after the other during a change; their replies."""
    replies: list[dict[str, Any]] = []
    over = asyncio.Event()

    async def ask() -> None:
        while not over.is_set():
            replies.append(await caller.ask({"prompt": "What is Kafka?", "feature": FEATURE}))

    tasks = [asyncio.create_task(ask()) for _ in range(4)]
    try:
        yield replies
    finally:
        over.set()
        await asyncio.gather(*tasks)


def test_a_change_and_its_rollback_take_effect_between_two_messages(pipeline: Stack) -> None:
    kafka = {"bootstrap_servers": pipeline.bootstrap}
    text = local_registry(pipeline.simulator_url)
    first = parse_registry(text)
    second = parse_registry(
        text.replace(
            "static:\n", f"static:\n    - {{when: {{feature: [{FEATURE}]}}, tier: complex}}\n"
        )
    )

    async def scenario() -> None:
        async with sender(pipeline.bootstrap) as caller:
            async with _asking(caller) as replies:
                await publish_version(kafka, second, by="test")
                await uses(pipeline, second.hash)
                await move_pointer(kafka, first.hash, by="test")
                await uses(pipeline, first.hash)
            ids = [reply["request_id"] for reply in replies]
            assert len(set(ids)) == len(ids)
            assert {reply["status"] for reply in replies} == {"replied"}
            for reply in replies:
                routing = reply["routing"]
                assert routing["registry_version"] in {first.hash, second.hash}
                if routing["registry_version"] == second.hash:
                    assert (routing["classifier"], reply["tier"]) == ("static", "complex")
            after = await caller.ask({"prompt": "What is Kafka?", "feature": FEATURE})
            assert after["routing"]["registry_version"] == first.hash

    asyncio.run(scenario())


def test_a_new_artifact_and_its_rollback_take_effect_between_two_messages(
    pipeline: Stack,
) -> None:
    kafka = {"bootstrap_servers": pipeline.bootstrap}
    text = local_registry(pipeline.simulator_url)
    first = parse_registry(text)
    learned = text.replace("classifier: rules", "classifier: learned")
    shipped = parse_registry(learned)
    newer = read_artifact(pack_artifact(replace(default_artifact(), about={"note": "newer"})))
    named = f"classifier: learned\n  learned: {{artifact: {newer.hash}}}"
    second = parse_registry(text.replace("classifier: rules", named), artifacts=lambda name: newer)
    assert len({first.hash, shipped.hash, second.hash}) == 3

    async def scenario() -> None:
        async with sender(pipeline.bootstrap) as caller:
            async with _asking(caller) as replies:
                for version in (shipped, second):
                    await publish_version(kafka, version, by="test")
                    await uses(pipeline, version.hash)
                for version in (shipped, first):
                    await move_pointer(kafka, version.hash, by="test")
                    await uses(pipeline, version.hash)
            ids = [reply["request_id"] for reply in replies]
            assert len(set(ids)) == len(ids)
            assert {reply["status"] for reply in replies} == {"replied"}
            by_version = {
                reply["routing"]["registry_version"]: reply["routing"]["classifier"]
                for reply in replies
            }
            classifiers = {first.hash: "rules", shipped.hash: "learned", second.hash: "learned"}
            assert by_version.items() <= classifiers.items()

    asyncio.run(scenario())


def test_an_artifact_of_another_hash_raises_an_alert_and_changes_nothing(pipeline: Stack) -> None:
    kafka = {"bootstrap_servers": pipeline.bootstrap}
    text = local_registry(pipeline.simulator_url)
    first = parse_registry(text)
    claimed = replace(default_artifact(), hash="0badc0de" * 2)
    wrong = parse_registry(
        text.replace(
            "classifier: rules", f"classifier: learned\n  learned: {{artifact: {claimed.hash}}}"
        ),
        artifacts=lambda name: claimed,
    )

    async def scenario() -> None:
        async with alerts(pipeline.bootstrap) as raised:
            await publish_version(kafka, wrong, by="test")
            async with asyncio.timeout(BY_S):
                async for alert in raised:
                    if alert["subject"] == wrong.hash:
                        break
        try:
            assert (alert["rule"], alert["state"]) == ("invalid_registry", "fired")
            assert "artifact" in alert["message"]
            assert await in_use(pipeline) == first.hash
        finally:
            await move_pointer(kafka, first.hash, by="test")

    asyncio.run(scenario())


def test_a_pointer_to_nothing_raises_an_alert_and_changes_nothing(pipeline: Stack) -> None:
    kafka = {"bootstrap_servers": pipeline.bootstrap}
    first = parse_registry(local_registry(pipeline.simulator_url))
    lost = "abad1dea" * 2

    async def scenario() -> None:
        async with alerts(pipeline.bootstrap) as raised:
            try:
                await move_pointer(kafka, lost, by="test")
                async with asyncio.timeout(BY_S):
                    async for alert in raised:
                        if alert["subject"] == lost:
                            break
                assert (alert["rule"], alert["state"]) == ("invalid_registry", "fired")
                assert await in_use(pipeline) == first.hash
            finally:
                await move_pointer(kafka, first.hash, by="test")

    asyncio.run(scenario())


KEY = "of-this-test-0123456789-abcdefghij"
KEYS = RegistryKeys([KEY])


@asynccontextmanager
async def _following(
    kafka: dict[str, Any],
) -> AsyncIterator[tuple[LiveRegistry, asyncio.Queue[str]]]:
    """A registry with the key on the topic, and what it refuses."""
    refused: asyncio.Queue[str] = asyncio.Queue()

    async def invalid(version: str, problem: str) -> None:
        await refused.put(problem)

    async def unsigned(error: UnsignedRecordError) -> None:
        await refused.put(error.refusal)

    tiers = ("simple", "moderate", "complex")
    live = LiveRegistry(tiers, invalid, keys=KEYS, on_unsigned=unsigned)
    task = asyncio.create_task(live.follow(_librdkafka(kafka)))
    try:
        await live.loaded()
        while not refused.empty():
            refused.get_nowait()
        yield live, refused
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _librdkafka(kafka: dict[str, Any]) -> dict[str, Any]:
    return {"bootstrap.servers": kafka["bootstrap_servers"]}


async def _write_the_pointer_again(kafka: dict[str, Any]) -> None:
    old = [each async for each in read_records(_librdkafka(kafka)) if each.key == CURRENT_KEY][-1]
    async with registry_log(kafka) as log:
        await log.append(old.key, old.value, old.headers)


def test_with_a_key_only_signed_records_are_followed_and_no_copies(pipeline: Stack) -> None:
    kafka = {"bootstrap_servers": pipeline.bootstrap}
    text = local_registry(pipeline.simulator_url)
    first = parse_registry(text)
    second = parse_registry(text.replace("simple: 0.6", "simple: 0.61"))

    async def scenario() -> None:
        await publish_version(kafka, second, by="test")
        await publish_version(kafka, first, by="test", keys=KEYS)
        async with _following(kafka) as (live, refused), asyncio.timeout(BY_S):
            await move_pointer(kafka, second.hash, by="test")
            assert await refused.get() == "unsigned"
            await uses(pipeline, second.hash)
            await move_pointer(kafka, first.hash, by="test", keys=KEYS)
            await uses(pipeline, first.hash)
            await _write_the_pointer_again(kafka)
            assert await refused.get() == "moved"
            assert live.version == first.hash

    try:
        asyncio.run(scenario())
    finally:
        asyncio.run(publish_version(kafka, first, by="test"))


def test_a_command_signs_existing_records(
    pipeline: Stack,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SLUICE_REGISTRY_KEY", KEY)
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", pipeline.bootstrap)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "none"))
    kafka = {"bootstrap_servers": pipeline.bootstrap}
    version = parse_registry(local_registry(pipeline.simulator_url)).hash
    asyncio.run(move_pointer(kafka, version, by="test"))

    def run(command: str, status: int) -> tuple[str, str]:
        assert report_faults(sluice, shlex.split(command)) == status
        printed = capsys.readouterr()
        assert KEY not in printed.out + printed.err
        return printed.out, printed.err

    assert "sluice registry sign" in run("registry sign --check", 1)[1]
    plan = orjson.loads(run("registry sign --yes --by test --json", 0)[0])
    assert (plan["version"], plan["pointer"]) == (version, True)
    assert "all is signed" in run("registry sign --check", 0)[0]
    run("registry show", 0)
    monkeypatch.setenv("SLUICE_REGISTRY_KEY", f"another-{KEY}")
    assert "sluice registry sign VERSION" in run("registry repair", 1)[1]
    monkeypatch.delenv("SLUICE_REGISTRY_KEY")
    assert "are signed" in run("registry show", 0)[1]
    asyncio.run(move_pointer(kafka, version, by="test"))
