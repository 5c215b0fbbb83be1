"""Definitions of all metrics of a sink.

The text under each metric states its purpose. Labels are tables and topics, which are declared in
code, and partitions, of which the first `MOST_PLACES` are shown separately and the rest together.
There is no global state: each `SinkMetrics` has its own registry, which tests read as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sinks.rows.log_position import Place
from sinks.status import SinkStatus

MOST_PLACES = 1_000
OTHER = "other"

_INSERT_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_INSERT_ROWS = (1, 10, 100, 1_000, 10_000, 100_000)
_INSERT_BYTES = (1e3, 1e4, 1e5, 1e6, 1e7, 6.4e7)


class SinkMetrics:
    """A sink's counters and histograms."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        own = self.registry = registry or CollectorRegistry()

        self.rows = Counter(
            "sluice_sink_rows", "Rows that ClickHouse stored for this sink.", ("table",),
            registry=own,
        )  # fmt: skip
        """Purpose: throughput. Tables are declared in `sinks.rows.tables`. Rows stored by a failed
        insert of several partitions are not counted; `sink_epochs` and offsets are exact.
        """

        self.repeats = Counter(
            "sluice_sink_repeats", "Stored rows that are marked as duplicates.", ("table",),
            registry=own,
        )  # fmt: skip
        """Purpose: duplicates come from crashes and rebalances; views exclude them. A steady rate
        means that workers keep losing their partitions.
        """

        self.inserts = Counter(
            "sluice_sink_inserts", "Successful inserts.", ("table",), registry=own
        )
        """Purpose: the cost of an insert hardly depends on its rows. About three inserts a second
        are expected, at any rate of rows.
        """

        self.insert_failures = Counter(
            "sluice_sink_insert_failures", "Failed inserts; each is retried.",
            ("table", "error"), registry=own,
        )  # fmt: skip
        """Purpose: retries by reason. Errors are the classes of `sinks.errors` (7)."""

        self.insert_seconds = Histogram(
            "sluice_sink_insert_seconds", "Duration of a successful insert.", ("table",),
            buckets=_INSERT_S, registry=own,
        )  # fmt: skip
        """Purpose: ClickHouse slows down before it fails."""

        self.insert_rows = Histogram(
            "sluice_sink_insert_rows", "Rows of a successful insert.", ("table",),
            buckets=_INSERT_ROWS, registry=own,
        )  # fmt: skip
        """Purpose: small inserts at high rates show that partitions do not flush together."""

        self.insert_bytes = Histogram(
            "sluice_sink_insert_bytes", "Bytes of the events of a successful insert.", ("table",),
            buckets=_INSERT_BYTES, registry=own,
        )  # fmt: skip
        """Purpose: an insert of 64 MB is full: the sink is catching up."""

        self.takeovers = Counter(
            "sluice_sink_takeovers", "Partitions leased.", ("topic",), registry=own
        )
        """Purpose: one for each partition at a start and a rebalance; more are leases invalidated
        by a failed insert.
        """

        self.takeover_failures = Counter(
            "sluice_sink_takeover_failures", "Failed leases; each is retried.",
            ("error",), registry=own,
        )  # fmt: skip
        """Purpose: a sink without a lease stores nothing, and is not ready."""

        self.bad_records = Counter(
            "sluice_sink_bad_records",
            "Unreadable or unstorable records of event topics.",
            ("topic",), registry=own,
        )  # fmt: skip
        """Purpose: another client writes to the topic, or versions do not match. Each is a row of
        `dead_letters` and a record of the topic's dead-letter topic; the alert `bad_record` names
        the latest.
        """

    def observe(
        self,
        status: SinkStatus,
        lag: Callable[[], Mapping[Place, int]],
        held_bytes: Callable[[], int],
        evaluation_age_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Read the state, the lag in records, the buffered bytes and the time since the latest
        evaluation of alert rules on every scrape.
        """
        self.registry.register(_Levels(status, lag, held_bytes, evaluation_age_s))


class _Levels(Collector):
    """Gauges, read at each scrape."""

    def __init__(
        self,
        status: SinkStatus,
        lag: Callable[[], Mapping[Place, int]],
        held_bytes: Callable[[], int],
        evaluation_age_s: Callable[[], float],
    ) -> None:
        self._status = status
        self._lag = lag
        self._held_bytes = held_bytes
        self._evaluation_age_s = evaluation_age_s

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges.

        Lag is the queue before ClickHouse. Buffered bytes are bounded by
        `SLUICE_SINK_BUFFER_BYTES`; at that bound partitions pause. Skipped records were lost to
        retention. A fenced sink was paused so long that another took over. An evaluation that is
        minutes old means that no alert rule is evaluated. The current state is the series with
        value 1.
        """
        status = self._status
        yield self._lag_family()
        yield GaugeMetricFamily(
            "sluice_sink_buffered_bytes",
            "Bytes of rows that are read but not stored yet.",
            value=self._held_bytes(),
        )
        yield GaugeMetricFamily(
            "sluice_sink_partitions",
            "Partitions assigned to this sink.",
            value=status.partitions,
        )
        yield CounterMetricFamily(
            "sluice_sink_fenced",
            "Takeovers of a partition by a successor.",
            value=status.fenced,
        )
        yield CounterMetricFamily(
            "sluice_sink_skipped_records",
            "Records deleted from the log before they were stored.",
            value=status.skipped,
        )
        yield GaugeMetricFamily(
            "sluice_sink_alert_evaluation_age_seconds",
            "Time since a worker last evaluated alert rules.",
            value=self._evaluation_age_s(),
        )
        state = GaugeMetricFamily(
            "sluice_sink_state_info",
            "1, with the state: starting, running, degraded or stopping.",
            labels=("state",),
        )
        state.add_metric((status.state,), 1)
        yield state

    def _lag_family(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "sluice_sink_lag_records",
            "Records on the log that are not stored yet.",
            labels=("topic", "partition"),
        )
        places = sorted(self._lag().items())
        for (topic, partition), records in islice(places, MOST_PLACES):
            family.add_metric((topic, str(partition)), records)
        rest = places[MOST_PLACES:]
        if rest:
            family.add_metric((OTHER, OTHER), sum(records for _, records in rest))
        return family
