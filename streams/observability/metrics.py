"""Every metric of a worker, each defined here and nowhere else.

Each definition states its purpose and what bounds its labels. Names follow Prometheus: `sluice_`,
base units, `_total` on counters. Labels are names of the registry, of code and of Sluice's topics;
never a request, a user or text. `streams.observability.bounded` limits them to 200 values each.
Events are counted as they happen. States (calls in flight, circuits, levels, lag) are read at a
scrape (`streams.observability.readings`).

| when | call |
|---|---|
| a request was classified | `classified` |
| a hop ended without ending its request | `hop_ended` |
| a request ended | `ended` |
| a provider call ended and was recorded | `called` |
| a message became a dead letter | `dead_lettered` |
| an attempt to handle a message failed unexpectedly | `handling_failed` |
| a reader skipped an unreadable record | `bad_record` |
| retention removed unread records | `removed_unread` |
| a message was recognised as a duplicate | `repeated` |
| the event loop woke up late | `loop_was_late` |
| an alert fired or was resolved | `alert_changed` |
| a delivery to a webhook ended | `webhook_ended` |

No global state: each `WorkerMetrics` has a registry of its own, which is also how tests read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

from streams.observability.bounded import Bounded

NONE = "none"
"""Label value of a missing name, for instance the instance of an unknown call."""

_LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)
"""From what Sluice itself adds to a request, up to its default deadline."""

_OVERHEAD_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_LOOP_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)


@dataclass(frozen=True, slots=True)
class _CallSeries:
    """The series that one kind of call adds to, bound together."""

    calls: Counter
    seconds: Histogram
    spend: Counter
    unknown: Counter


class WorkerMetrics:
    """A worker's counters and histograms.

    Durations are given in ms, as everywhere in the code, and shown in seconds.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        own = self.registry = registry or CollectorRegistry()

        self.requests_classified = self._counter(
            "sluice_requests_classified", "Classified requests.", ("classifier", "tier")
        )
        """Why: shows a classifier that falls back and a change of the tier distribution first.
        There are 6 classifiers, and at most 8 tiers per registry."""

        self.outcomes = self._counter(
            "sluice_outcomes", "Terminal outcomes of requests.", ("status", "tier")
        )
        """Why: the error rate. Statuses are the four terminal ones. Counts the outcomes that this
        worker wrote: a duplicate after a crash counts twice here, once in ClickHouse."""

        self.hop_transitions = self._counter(
            "sluice_hop_transitions",
            "Hops that ended without a terminal outcome.",
            ("kind", "tier"),
        )
        """Why: escalated hops are the cascade's cost, parked ones indicate missing capacity. Kinds
        are `parked` and `escalated`."""

        self.calls = self._counter(
            "sluice_calls",
            "Completed provider calls; status is ok or the error class.",
            ("model", "provider_instance", "purpose", "status"),
        )
        """Why: the state of every provider. Models and instances are those of the registry; there
        are 6 purposes, and 11 error classes as statuses."""

        self.call_seconds = self._histogram(
            "sluice_call_seconds",
            "Duration of a provider call, including failed ones.",
            ("model", "provider_instance"),
            buckets=_LATENCY_S,
        )
        """Why: most of a request's time is spent here. Without purpose and status, since each label
        multiplies a histogram's 17 series."""

        self.spend = self._counter(
            "sluice_spend_nano_usd",
            "Spend on calls of known cost, in nano-USD (1e-9 USD).",
            ("model", "purpose"),
        )
        """Why: the live rate of spend. Exact up to 9 million USD per process (2^53 nano-USD); the
        authoritative record is the table `calls`."""

        self.unknown_cost_calls = self._counter(
            "sluice_unknown_cost_calls",
            "Calls of unknown cost, excluded from `sluice_spend_nano_usd`.",
            ("model", "purpose"),
        )
        """Why: an unknown cost is never zero, so the rate of spend is a lower bound."""

        self.request_seconds = self._histogram(
            "sluice_request_seconds",
            "Time from the append of a request to its outcome, by the broker's clock.",
            ("status", "tier"),
            buckets=_LATENCY_S,
        )
        """Why: the latency for callers, including queueing in Kafka."""

        self.overhead_seconds = Histogram(
            "sluice_overhead_seconds",
            "Time of a request outside of provider calls; excludes requests that waited for "
            "capacity.",
            buckets=_OVERHEAD_S,
            registry=own,
        )
        """Why: the time that Sluice itself adds. Same definition as `sluice query
        routing_overhead`: replied requests that were never parked."""

        self.dead_letters = self._counter(
            "sluice_dead_letters",
            "Dead letters, by source topic, or target topic of a reply.",
            ("topic", "cause"),
        )
        """Why: shows a faulty sender. Causes are `undecodable`, `undeliverable` and
        `internal_error`."""

        self.handling_failures = self._counter(
            "sluice_handling_failures",
            "Handling attempts that failed with an unexpected error.",
            ("topic",),
        )
        """Why: a defect of Sluice that callers do not see if a later attempt succeeds. A message
        that failed three times is also a dead letter with the cause `internal_error`."""

        self.bad_records = self._counter(
            "sluice_bad_records",
            "Unreadable records of Sluice's own topics, skipped by a reader of this worker.",
            ("topic",),
        )
        """Why: another process writes there, or versions are incompatible. Each reader counts: a
        record that is read by two components of three workers counts six times. Also raised as
        alert `bad_record`, with its position."""

        self.registry_refused = self._counter(
            "sluice_registry_refused",
            "Records on the registry topic with a missing or invalid signature.",
            ("kind", "reason"),
        )
        """Why: a process writes registry records without the signing key. At startup, only the
        latest record of each key counts. Kinds are
        `registry`, `artifact`, `current`, `other`; reasons `unsigned`, `malformed`, `unknown_key`,
        `wrong`, `moved`. Also raised as alert `unsigned_registry`."""

        self.log_gaps = self._counter(
            "sluice_removed_unread",
            "Offsets of a topic removed by retention before they were read.",
            ("topic",),
        )
        """Also raised as alert `log_gap`, with the partition and the offsets."""

        self.duplicates = self._counter(
            "sluice_duplicates",
            "Messages recognised as duplicates and not handled again.",
            ("kind",),
        )
        """Why: `duplicate` counts request ids that a caller sent again, `done` counts hops that
        Kafka delivered again after a crash or a rebalance (at-least-once delivery)."""

        self.loop_lag_seconds = Histogram(
            "sluice_event_loop_lag_seconds",
            "Delay of the event loop's wake-ups, measured twice a second.",
            buckets=_LOOP_S,
            registry=own,
        )
        """Why: all tasks of a worker share one loop. If this grows, all latencies grow, and then
        leases and heartbeats expire."""

        self.alert_changes = self._counter(
            "sluice_alert_changes",
            "Alerts that fired or were resolved, counted by the evaluator.",
            ("rule", "state"),
        )
        """Why: shows Sluice's alerts next to those of Prometheus. Rules are those of the registry
        (at most 64) and built-in ones; repeats are not counted."""

        self.webhook_deliveries = self._counter(
            "sluice_webhook_deliveries", "Completed deliveries of alerts to webhooks.", ("outcome",)
        )
        """Why: shows alerts that reach no receiver. Outcomes are `delivered`, `refused`, `failed`
        and `dropped`."""

        self._by_call: dict[tuple[str, str, str, str], _CallSeries] = {}

    def classified(self, classifier: str, tier: str) -> None:
        """A request was classified."""
        self.requests_classified.of(classifier, tier).inc()

    def hop_ended(self, kind: str, tier: str) -> None:
        """A hop was parked, or escalated its request."""
        self.hop_transitions.of(kind, tier).inc()

    def ended(
        self, status: str, tier: str, latency_ms: float, overhead_ms: float | None = None
    ) -> None:
        """A request ended; `overhead_ms` is `latency_ms` less all its calls, `None` where it waited
        or was not replied to.
        """
        self.outcomes.of(status, tier).inc()
        self.request_seconds.of(status, tier).observe(latency_ms / 1000)
        if overhead_ms is not None:
            self.overhead_seconds.observe(max(overhead_ms, 0.0) / 1000)

    def called(
        self,
        *,
        model: str,
        instance: str | None,
        purpose: str,
        status: str,
        latency_ms: float | None,
        cost_nano: int | None,
    ) -> None:
        """A provider call ended."""
        key = (model, instance or NONE, purpose, status)
        series = self._by_call.get(key) or self._call_series(key)
        series.calls.inc()
        if latency_ms is not None:
            series.seconds.observe(latency_ms / 1000)
        if cost_nano is None:
            series.unknown.inc()
        else:
            series.spend.inc(cost_nano)

    def dead_lettered(self, topic: str, cause: str) -> None:
        """A message became a dead letter; `topic` is its source, or the target of a reply."""
        self.dead_letters.of(topic, cause).inc()

    def handling_failed(self, topic: str) -> None:
        """An attempt to handle a message of this topic failed unexpectedly."""
        self.handling_failures.of(topic).inc()

    def bad_record(self, topic: str) -> None:
        """A reader skipped an unreadable record of this topic."""
        self.bad_records.of(topic).inc()

    def registry_record_refused(self, kind: str, reason: str) -> None:
        """A record on the registry topic was rejected."""
        self.registry_refused.of(kind, reason).inc()

    def removed_unread(self, topic: str, offsets: int) -> None:
        """Retention removed this number of offsets of a topic before they were read."""
        self.log_gaps.of(topic).inc(offsets)

    def repeated(self, kind: str) -> None:
        """A message was `done` already, or a `duplicate`."""
        self.duplicates.of(kind).inc()

    def alert_changed(self, rule: str, state: str) -> None:
        """An alert was `fired` or `resolved`."""
        self.alert_changes.of(rule, state).inc()

    def webhook_ended(self, outcome: str) -> None:
        """A delivery to a webhook ended."""
        self.webhook_deliveries.of(outcome).inc()

    def loop_was_late(self, late_ms: float) -> None:
        """The event loop woke up later than scheduled."""
        self.loop_lag_seconds.observe(max(late_ms, 0.0) / 1000)

    def _counter(self, name: str, about: str, labels: tuple[str, ...]) -> Bounded[Counter]:
        return Bounded(Counter(name, about, labels, registry=self.registry))

    def _histogram(
        self, name: str, about: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Bounded[Histogram]:
        return Bounded(Histogram(name, about, labels, buckets=buckets, registry=self.registry))

    def _call_series(self, key: tuple[str, str, str, str]) -> _CallSeries:
        model, instance, purpose, _ = key
        calls = self.calls.of(*key)
        series = _CallSeries(
            calls=calls,
            seconds=self.call_seconds.of(model, instance),
            spend=self.spend.of(model, purpose),
            unknown=self.unknown_cost_calls.of(model, purpose),
        )
        if len(self._by_call) < self.calls.most_children:
            self._by_call[key] = series
        return series
