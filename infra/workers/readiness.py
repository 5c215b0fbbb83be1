"""Whether workers can serve a registry version: providers, hosts, keys, prices. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import httpx

from schemas.worker_status import WorkerStatus
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.pricing.price_list import PriceBook
from streams.routing.snapshot import Instance, Model, RegistrySnapshot

REFUSE: Literal["refuse"] = "refuse"
WARN: Literal["warn"] = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessFinding:
    """One finding. `path` is of the registry file; `workers` report it, all of them if none is
    named.
    """

    severity: Literal["refuse", "warn"]
    path: str
    message: str
    workers: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Return the finding as a line of text."""
        who = f" ({', '.join(self.workers)})" if self.workers else ""
        return f"{self.path}: {self.message}{who}"

    def as_document(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        return asdict(self)


def readiness(
    snapshot: RegistrySnapshot,
    workers: Sequence[WorkerStatus],
    prices: PriceBook,
    *,
    binding: bool = True,
) -> list[ReadinessFinding]:
    """Return what prevents these workers from serving this version.

    A model that no worker can call at any of its instances is rejected; a limitation of some
    workers is a warning. Without `binding` nothing is rejected: the statuses are not of workers.
    """
    found = [
        *(each for model in snapshot.models.values() for each in _model(model, workers)),
        *_prices(snapshot, prices),
        *_webhooks(snapshot, workers),
        *_tiers(snapshot, workers),
    ]
    if binding:
        return found
    return [ReadinessFinding(severity=WARN, path=each.path, message=each.message) for each in found]


def _model(model: Model, workers: Sequence[WorkerStatus]) -> Iterator[ReadinessFinding]:
    if not workers:
        return
    path = f"models.{model.name}"
    without = [each for each in workers if model.provider not in each.providers]
    if without:
        installed = ", ".join(sorted({name for each in without for name in each.providers}))
        yield _finding(
            f"{path}.provider",
            f"provider {model.provider} is not installed; installed: {installed or 'none'}",
            without,
            workers,
            severity=REFUSE if len(without) == len(workers) else WARN,
        )
        if len(without) == len(workers):
            return
    faults = {
        (number, each.worker): fault
        for number, instance in enumerate(model.instances)
        for each in workers
        if (fault := _fault(instance, each)) is not None
    }
    hopeless = len(faults) == len(model.instances) * len(workers)
    for number, instance in enumerate(model.instances):
        by_fault: dict[str, list[WorkerStatus]] = {}
        for each in workers:
            if (number, each.worker) in faults:
                by_fault.setdefault(faults[number, each.worker], []).append(each)
        for fault, affected in by_fault.items():
            yield _finding(
                f"{path}.instances.{number} ({instance.name})",
                fault,
                affected,
                workers,
                severity=REFUSE if hopeless else WARN,
            )


def _fault(instance: Instance, worker: WorkerStatus) -> str | None:
    """Return why a worker would not call an instance."""
    url = instance.base_url
    return _host_fault(url, worker) or _key_fault(instance.api_key_env, url, worker)


def _host_fault(url: str, worker: WorkerStatus, *, loopback: bool = True) -> str | None:
    return HostPolicy(patterns=worker.hosts).fault(httpx.URL(url), loopback=loopback)


def _key_fault(
    name: str | None, url: str, worker: WorkerStatus, *, bound: bool = False
) -> str | None:
    if name is None:
        return None
    ring, host = KeyRing(patterns=worker.key_patterns, environment={}), httpx.URL(url).host
    if not ring.allows(name):
        return f"{name} may not be read as a key; SLUICE_ALLOWED_KEYS does not match it"
    if not ring.allows(name, host, bound=bound):
        return f"{name} may not be sent to {host}; SLUICE_ALLOWED_KEYS has no entry {name}@{host}"
    if name in worker.keys:
        return None
    return f"the key {name} is not set; set the variable, or its file in SLUICE_SECRETS_DIR"


def _prices(snapshot: RegistrySnapshot, prices: PriceBook) -> Iterator[ReadinessFinding]:
    for model in snapshot.models.values():
        if prices.quote(model) is None:
            baseline = model.name == snapshot.baseline
            yield ReadinessFinding(
                severity=WARN,
                path=f"models.{model.name}.price",
                message="there is no price, so the cost of its calls"
                + (" and all savings are" if baseline else " is")
                + f" unknown; set models.{model.name}.price",
            )


def _webhooks(
    snapshot: RegistrySnapshot, workers: Sequence[WorkerStatus]
) -> Iterator[ReadinessFinding]:
    for number, hook in enumerate(snapshot.alerting.webhooks):
        by_fault: dict[str, list[WorkerStatus]] = {}
        for each in workers:
            fault = _host_fault(hook.url, each, loopback=False) or _key_fault(
                hook.api_key_env, hook.url, each, bound=True
            )
            if fault is not None:
                by_fault.setdefault(fault, []).append(each)
        for fault, affected in by_fault.items():
            yield _finding(f"alerts.webhooks.{number}", fault, affected, workers, severity=WARN)


def _tiers(
    snapshot: RegistrySnapshot, workers: Sequence[WorkerStatus]
) -> Iterator[ReadinessFinding]:
    others = [each for each in workers if each.tiers and each.tiers != snapshot.tiers]
    if others:
        read = ", ".join(others[0].tiers)
        yield _finding(
            "tiers",
            f"workers read the tiers {read} and keep their version; create the topics "
            "(SLUICE_TIERS=... sluice topics create) and restart them with the same SLUICE_TIERS",
            others,
            workers,
            severity=WARN,
        )


def _finding(
    path: str,
    message: str,
    whose: Sequence[WorkerStatus],
    workers: Sequence[WorkerStatus],
    *,
    severity: Literal["refuse", "warn"],
) -> ReadinessFinding:
    names = () if len(whose) == len(workers) else tuple(each.worker for each in whose)
    return ReadinessFinding(severity=severity, path=path, message=message, workers=names)
