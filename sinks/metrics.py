"""Every metric of a sink, each defined here and nowhere else.

Under each stands why it exists. Labels are tables and topics, which are declared in code, and
partitions, of which the first `MOST_PLACES` are shown apart and the rest together. No global state:
each `SinkMetrics` has a registry of its own, which is also how tests read it.
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
            "sluice_sink_rows", "Rows that ClickHouse took from this sink.", ("table",),
            registry=own,
        )  # fmt: skip
        """Why: throughput. Tables are declared in `sinks.rows.tables`. What a failed insert of
        several partitions stored after all is not among them; `sink_epochs` and offsets are
        the books."""

        self.repeats = Counter(
            "sluice_sink_repeats", "Of those, rows that are marked as a repeat.", ("table",),
            registry=own,
        )  # fmt: skip
        """Why: repeats come from crashes and rebalances; views leave them out. A steady rate of
        them means that workers keep losing their partitions."""

        self.inserts = Counter(
            "sluice_sink_inserts", "Inserts that succeeded.", ("table",), registry=own
        )
        """Why: ClickHouse pays for an insert, hardly for its rows: some three a second are meant to
        be made, whatever the rate of rows."""

        self.insert_failures = Counter(
            "sluice_sink_insert_failures", "Inserts that failed; each is made again.",
            ("table", "error"), registry=own,
        )  # fmt: skip
        """Why: retries, by reason. Errors are the classes of `sinks.errors` (7)."""

        self.insert_seconds = Histogram(
            "sluice_sink_insert_seconds", "How long a successful insert took.", ("table",),
            buckets=_INSERT_S, registry=own,
        )  # fmt: skip
        """Why: ClickHouse slows down before it fails."""

        self.insert_rows = Histogram(
            "sluice_sink_insert_rows", "Rows of a successful insert.", ("table",),
            buckets=_INSERT_ROWS, registry=own,
        )  # fmt: skip
        """Why: small inserts at high rates say that partitions do not flush together."""

        self.insert_bytes = Histogram(
            "sluice_sink_insert_bytes", "Bytes of the events of a successful insert.", ("table",),
            buckets=_INSERT_BYTES, registry=own,
        )  # fmt: skip
        """Why: an insert of 64 MB is a full one: the sink is catching up."""

        self.takeovers = Counter(
            "sluice_sink_takeovers", "Partitions that were claimed.", ("topic",), registry=own
        )
        """Why: one for each partition at a start and a rebalance; more are claims that were spent
        by a failed insert."""

        self.takeover_failures = Counter(
            "sluice_sink_takeover_failures", "Claims that failed; each is made again.",
            ("error",), registry=own,
        )  # fmt: skip
        """Why: a sink that can't claim stores nothing, and is not ready."""

        self.bad_records = Counter(
            "sluice_sink_bad_records",
            "Records of event topics that could not be read or stored.",
            ("topic",), registry=own,
        )  # fmt: skip
        """Why: somebody else writes there, or versions do not fit. Each is a row of `dead_letters`
        and a record of the topic's dead-letter topic; the alert `bad_record` names the latest."""

    def observe(
        self,
        status: SinkStatus,
        lag: Callable[[], Mapping[Place, int]],
        held_bytes: Callable[[], int],
        evaluation_age_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Let every scrape read the state, the lag in records, the bytes that are held and the time
        since a worker evaluated alert rules.
        """
        self.registry.register(_Levels(status, lag, held_bytes, evaluation_age_s))


class _Levels(Collector):
    """What is, as opposed to what happened: read at each scrape."""

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
        """The levels.

        Lag is the queue in front of ClickHouse; held bytes are bounded by
        `SLUICE_SINK_BUFFER_BYTES`, and at that bound partitions pause; skipped records were lost to
        retention; a fenced sink was paused so long that another took over; an evaluation that is
        minutes old means that no alert rule is evaluated; the state's series is the one that
        stands at 1.
        """
        status = self._status
        yield self._lag_family()
        yield GaugeMetricFamily(
            "sluice_sink_buffered_bytes",
            "Bytes of rows that are read and not stored yet.",
            value=self._held_bytes(),
        )
        yield GaugeMetricFamily(
            "sluice_sink_partitions",
            "Partitions that this sink is assigned.",
            value=status.partitions,
        )
        yield CounterMetricFamily(
            "sluice_sink_fenced",
            "How often a successor took a partition over.",
            value=status.fenced,
        )
        yield CounterMetricFamily(
            "sluice_sink_skipped_records",
            "Records that the log had dropped before they were stored.",
            value=status.skipped,
        )
        yield GaugeMetricFamily(
            "sluice_sink_alert_evaluation_age_seconds",
            "Time since a worker was last seen to evaluate alert rules.",
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
