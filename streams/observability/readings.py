"""Readings of a worker at a scrape: levels and states, not events.

Nothing is updated in between: a scrape reads the parts through `Readings`, and a failing reading
omits its own metric, never the page. Each metric is in `_GAUGES` once, with its purpose.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streams.observability.bounded import MOST_CHILDREN, OTHER

log = logging.getLogger(__name__)

CLOSED, HALF_OPEN, OPEN = 0.0, 1.0, 2.0
"""Values of `sluice_breaker_state`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsReading:
    """Slots of one pool, for instance a tier's; `in_flight` also counts work that lent its slot."""

    used: int
    limit: int
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceReading:
    """One instance of a model in this worker.

    `breaker` is `CLOSED`, `HALF_OPEN` or `OPEN`; levels are the contents of the buckets, below 0
    after an overdraft, `None` without a limit.
    """

    model: str
    instance: str
    breaker: float
    in_flight: int
    requests_level: float | None = None
    tokens_level: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Sources of a scrape; each is called at each scrape and must not wait.

    `shadow_allowance` is nano-USD; `lag` returns records by topic and partition.
    """

    slots: Callable[[], Mapping[str, SlotsReading]] = dict
    instances: Callable[[], Iterable[InstanceReading]] = tuple
    retries_left: Callable[[], float | None] = lambda: None
    shadow_allowance: Callable[[], float | None] = lambda: None
    registry_version: Callable[[], str | None] = lambda: None
    partitions: Callable[[], Mapping[str, int]] = dict
    lag: Callable[[], Mapping[tuple[str, int], int]] = dict
    evaluates_alerts: Callable[[], bool] = lambda: False


Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gauge:
    name: str
    about: str
    labels: tuple[str, ...]
    why: str
    read: Callable[[Readings], Iterable[Sample]]


def _known(value: float | None) -> Iterator[Sample]:
    if value is not None:
        yield (), value


def _buckets(readings: Readings) -> Iterator[Sample]:
    for each in readings.instances():
        for bucket, level in (("requests", each.requests_level), ("tokens", each.tokens_level)):
            if level is not None:
                yield (each.model, each.instance, bucket), level


def _version(readings: Readings) -> Iterator[Sample]:
    version = readings.registry_version()
    if version is not None:
        yield (version,), 1.0


_GAUGES = (
    _Gauge(
        name="sluice_in_flight",
        about="Messages in progress, including those that wait without a slot.",
        labels=("pool",),
        why="accumulating work. Pools: classify, each tier, each wait topic, feedback.",
        read=lambda of: (((name,), each.in_flight) for name, each in of.slots().items()),
    ),
    _Gauge(
        name="sluice_slots_used",
        about="Used concurrency slots.",
        labels=("pool",),
        why="a full pool blocks its topic.",
        read=lambda of: (((name,), each.used) for name, each in of.slots().items()),
    ),
    _Gauge(
        name="sluice_slots",
        about="Concurrency slots.",
        labels=("pool",),
        why="the capacity of `sluice_slots_used`.",
        read=lambda of: (((name,), each.limit) for name, each in of.slots().items()),
    ),
    _Gauge(
        name="sluice_breaker_state",
        about="Circuit of an instance: 0 closed, 1 half open, 2 open.",
        labels=("model", "provider_instance"),
        why="instances without calls, by the state in this worker.",
        read=lambda of: (((at.model, at.instance), at.breaker) for at in of.instances()),
    ),
    _Gauge(
        name="sluice_instance_in_flight",
        about="Calls in progress.",
        labels=("model", "provider_instance"),
        why="load by instance, and the concurrency limit's use.",
        read=lambda of: (((at.model, at.instance), at.in_flight) for at in of.instances()),
    ),
    _Gauge(
        name="sluice_rate_limit_tokens",
        about="Rest of a rate limit for this worker, requests or tokens; negative if overdrawn.",
        labels=("model", "provider_instance", "bucket"),
        why="an exhausted limit is at 0. Buckets: requests, tokens.",
        read=_buckets,
    ),
    _Gauge(
        name="sluice_retries_left",
        about="Remaining retry budget of this worker.",
        labels=(),
        why="at 0 an outage is in progress and nothing is retried.",
        read=lambda of: _known(of.retries_left()),
    ),
    _Gauge(
        name="sluice_shadow_allowance_nano_usd",
        about="Remaining spend allowance of shadow calls, nano-USD; negative if overdrawn.",
        labels=(),
        why="shadow calls stop at 0, so the sample shrinks.",
        read=lambda of: _known(of.shadow_allowance()),
    ),
    _Gauge(
        name="sluice_registry_info",
        about="1, with the registry version in use.",
        labels=("version",),
        why="a worker with an old version has another hash than its peers.",
        read=_version,
    ),
    _Gauge(
        name="sluice_alert_evaluator",
        about="1 if this worker evaluates alert rules, else 0.",
        labels=(),
        why="the sum over all workers must be 1; 0 for minutes means that no worker evaluates.",
        read=lambda of: (((), float(of.evaluates_alerts())),),
    ),
    _Gauge(
        name="sluice_partitions_owned",
        about="Partitions of a topic that this worker owns.",
        labels=("topic",),
        why="an idle worker owns none; limits are divided by these counts.",
        read=lambda of: (((topic,), count) for topic, count in of.partitions().items()),
    ),
    _Gauge(
        name="sluice_consumer_lag_records",
        about="Records after the committed offset, for partitions that this worker owns.",
        labels=("topic", "partition"),
        why="the backlog in Kafka, and the input of autoscaling.",
        read=lambda of: (
            ((topic, str(partition)), records) for (topic, partition), records in of.lag().items()
        ),
    ),
)


class ReadingsCollector(Collector):
    """Reads a worker at each scrape."""

    def __init__(self, readings: Readings, *, most: int = MOST_CHILDREN) -> None:
        self._readings = readings
        self._most = most

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every reading that succeeds."""
        for gauge in _GAUGES:
            family = GaugeMetricFamily(gauge.name, gauge.about, labels=gauge.labels)
            try:
                for labels, value in _bounded(gauge.read(self._readings), self._most):
                    family.add_metric(labels, value)
            except Exception:  # a page with one gap is more useful than none
                log.exception("cannot read %s", gauge.name)
            yield family


def observe(readings: Readings, registry: CollectorRegistry) -> None:
    """Register these readings with a registry."""
    registry.register(ReadingsCollector(readings))


def _bounded(samples: Iterable[Sample], most: int) -> Iterator[Sample]:
    """Return the first `most`, and the sum of all others."""
    rest, labels = 0.0, None
    for number, sample in enumerate(samples):
        if number < most:
            yield sample
        else:
            labels = (OTHER,) * len(sample[0])
            rest += sample[1]
    if labels is not None:
        yield labels, rest
