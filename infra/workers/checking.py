"""Check of a registry version against the running workers and, on request, its models."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer

from infra.workers.probing import Probed, findings_of, probe
from infra.workers.readiness import REFUSE, ReadinessFinding, readiness
from infra.workers.status_topic import live_workers
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import CostEvent
from schemas.journal_headers import CALL_ID, INCARNATION
from schemas.topics import COST
from schemas.worker_status import WorkerStatus
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.installed import open_providers
from streams.providers.pricing.price_list import PriceBook
from streams.routing.snapshot import RegistrySnapshot
from streams.worker.settings import WorkerSettings

HERE = "this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Findings, by the statuses of `workers`, or by this machine's settings if none runs."""

    workers: tuple[str, ...]
    findings: tuple[ReadinessFinding, ...]
    probed: tuple[Probed, ...] = ()

    @property
    def refused(self) -> tuple[ReadinessFinding, ...]:
        """Return findings that forbid applying the version."""
        return tuple(each for each in self.findings if each.severity == REFUSE)


async def checked(
    kafka: Mapping[str, Any],
    librdkafka: Mapping[str, Any],
    snapshot: RegistrySnapshot,
    *,
    with_probe: bool = False,
) -> Checked:
    """Check a version against the workers; with a probe, call each instance once from here."""
    settings, prices = WorkerSettings(), PriceBook()
    keys = KeyRing.from_patterns(settings.allowed_keys, secrets_dir=settings.secrets_dir)
    hosts = HostPolicy.from_patterns(settings.allowed_hosts)
    workers = await live_workers(librdkafka)
    async with AsyncExitStack() as stack:
        providers = open_providers(keys, hosts)
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        here = WorkerStatus(
            worker=HERE,
            incarnation="",
            providers=tuple(sorted(providers)),
            hosts=hosts.patterns,
            key_patterns=keys.patterns,
            keys=keys.names(),
        )
        found = readiness(snapshot, workers or [here], prices, binding=bool(workers))
        probed: list[Probed] = []
        if with_probe:
            producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
            await producer.start()
            stack.push_async_callback(producer.stop)
            codec = Codec("CostEvent")

            async def book(event: CostEvent) -> None:
                await producer.send_and_wait(
                    COST,
                    key=event.key,
                    value=codec.encode(as_record(event)),
                    headers=[
                        (CALL_ID, event.call_id.encode()),
                        (INCARNATION, event.incarnation.encode()),
                    ],
                )

            probed = await probe(snapshot, providers, prices, book)
            found = [*found, *findings_of(probed)]
    return Checked(
        workers=tuple(each.worker for each in workers),
        findings=tuple(found),
        probed=tuple(probed),
    )
